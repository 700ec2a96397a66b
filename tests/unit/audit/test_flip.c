/* A log of ten records, with every single bit of it turned; records 6 to 9 are in test_flip_late.c.
 * Tiles are not here: verify makes the tree anew. */
#include "helper_ten.h"

Test(flip, of_any_bit_in_records_0_to_2_is_noticed)
{
    ten_flip_records(0, 3);
}

Test(flip, of_any_bit_in_records_3_and_4_is_noticed)
{
    ten_flip_records(3, 5);
}

Test(flip, of_any_bit_in_record_5_is_noticed)
{
    ten_flip_records(5, 6);
}
