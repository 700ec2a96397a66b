/* A torn tail: bytes that a crash or a full disk left behind the last whole record. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define TORN_DIGITS 16 /* of the SHA-256 in the file's name */

/* The copy is on the disk before the bytes leave their place: a crash in between repeats this. */
enum result torn_move(struct audit *audit, uint64_t good, uint64_t size, struct err *err)
{
    char name[NAME_MAX_LEN], digest[SHA256_HEX_LEN + 1];
    size_t len = (size_t)(size - good);
    AUTO_BUF copy = BUF_INIT(TORN_MAX);
    char *bytes = buf_room(&copy, len);

    if (bytes == NULL)
        return buf_check(&copy, "torn end of the log", err);
    if (pread(audit->segment, bytes, len, (off_t)good) != (ssize_t)len)
        return err_errno(err, RESULT_AUDIT, "records: cannot read the torn end of the log");
    buf_grew(&copy, len);
    sha256_hex(bytes, len, digest);
    (void)snprintf(name, sizeof name, "torn-%012" PRIu64 "-%.*s", audit->tree.size, TORN_DIGITS,
                   digest);
    if (log_put(audit, audit->records, name, &copy, err) != RESULT_OK ||
        log_flush_directory(audit, audit->records, "records", err) != RESULT_OK)
        return err->result;
    if (ftruncate(audit->segment, (off_t)good) != 0)
        return err_errno(err, RESULT_AUDIT, "records: cannot move the torn end of the log aside");
    return log_flush(audit, audit->segment, "records", err);
}

static enum result torn_tell(int records, const char *name, cJSON *list, struct err *err)
{
    AUTO_FD fd = openat(records, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    AUTO_BUF bytes = BUF_INIT(TORN_MAX);
    char digest[SHA256_HEX_LEN + 1];
    cJSON *item;

    if (fd < 0)
        return err_errno(err, RESULT_AUDIT, "records/%s: cannot read", name);
    if (file_read(fd, name, &bytes, err) != RESULT_OK)
        return err->result = RESULT_AUDIT;
    sha256_hex(buf_text(&bytes), bytes.len, digest);
    item = cJSON_CreateObject();
    if (item == NULL || !cJSON_AddItemToArray(list, item))
        return err_set(err, RESULT_INTERNAL, "records/%s: out of memory", name);
    if (cJSON_AddStringToObject(item, "file", name) == NULL ||
        cJSON_AddNumberToObject(item, "bytes", (double)bytes.len) == NULL ||
        cJSON_AddStringToObject(item, "sha256", digest) == NULL)
        return err_set(err, RESULT_INTERNAL, "records/%s: out of memory", name);
    return RESULT_OK;
}

/* Files of torn bytes that stood where the next record will be. Found by name, so that a crash
 * between moving and recording is made good, too. */
enum result torn_list(const struct audit *audit, cJSON **out, struct err *err)
{
    int fd = openat(audit->records, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    char prefix[NAME_MAX_LEN];
    AUTO_JSON *list = cJSON_CreateArray();
    enum result result = RESULT_OK;
    const char *name;

    if (directory == NULL || list == NULL) {
        fd_close(&fd);
        return err_errno(err, RESULT_AUDIT, "records: cannot list the log");
    }
    (void)snprintf(prefix, sizeof prefix, "torn-%012" PRIu64 "-", audit->tree.size);
    while (result == RESULT_OK && (result = entry_next(directory, &name, err)) == RESULT_OK &&
           name != NULL)
        if (strncmp(name, prefix, strlen(prefix)) == 0)
            result = torn_tell(audit->records, name, list, err);
    (void)closedir(directory);
    if (result == RESULT_OK && list->child != NULL) {
        *out = list;
        list = NULL;
    }
    return result;
}
