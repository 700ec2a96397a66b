/* The rest of test_flip.c, in a program of its own, to run beside it. */
#include "helper_ten.h"

Test(flip, of_any_bit_in_record_6_is_noticed)
{
    ten_flip_records(6, 7);
}

Test(flip, of_any_bit_in_records_7_and_8_is_noticed)
{
    ten_flip_records(7, 9);
}

Test(flip, of_any_bit_in_record_9_is_noticed)
{
    ten_flip_records(9, 10);
}

static void flip_file(bool wants_body, const char *name)
{
    struct test_log log;
    char body[128], key[128];

    ten_make(&log, body, key);
    ten_flip(&log, name != NULL ? name : wants_body ? body : key, 0, SIZE_MAX / 8);
    test_log_free(&log);
}

Test(flip, of_any_bit_in_the_checkpoint_is_noticed)
{
    flip_file(false, "checkpoint");
}

Test(flip, of_any_bit_in_the_key_is_noticed)
{
    flip_file(false, NULL);
}

Test(flip, of_any_bit_in_a_body_is_noticed)
{
    flip_file(true, NULL);
}
