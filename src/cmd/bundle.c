#include "bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT  "georder-audit/"
#define PIECE (64 * 1024)

static enum result tar_failed(const struct bundle *bundle, struct err *err)
{
    const char *why = archive_error_string(bundle->tar);

    errno = archive_errno(bundle->tar);
    return err_errno(err, RESULT_INTERNAL, "%s: cannot write (%s)", bundle->file->path,
                     why != NULL ? why : "out of memory");
}

enum result bundle_begin(struct bundle *bundle, const struct out_file *file, struct err *err)
{
    bundle->file = file;
    bundle->tar = archive_write_new();
    if (bundle->tar == NULL)
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", file->path);
    if (archive_write_set_format_ustar(bundle->tar) != ARCHIVE_OK ||
        archive_write_add_filter_none(bundle->tar) != ARCHIVE_OK ||
        archive_write_open_fd(bundle->tar, file->fd) != ARCHIVE_OK)
        return tar_failed(bundle, err);
    return RESULT_OK;
}

static enum result header_put(struct bundle *bundle, const struct audit_part *part, struct err *err)
{
    struct archive_entry *entry = archive_entry_new();
    AUTO_BUF path = BUF_INIT(512);
    int status;

    buf_printf(&path, ROOT "%s", part->name);
    if (entry == NULL || !buf_ok(&path)) {
        archive_entry_free(entry);
        return err_set(err, RESULT_INTERNAL, "%s: out of memory", bundle->file->path);
    }
    archive_entry_set_pathname(entry, buf_text(&path));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (int64_t)part->size);
    archive_entry_set_mtime(entry, 0, 0);
    status = archive_write_header(bundle->tar, entry);
    archive_entry_free(entry);
    return status == ARCHIVE_OK ? RESULT_OK : tar_failed(bundle, err);
}

static enum result bytes_put(struct bundle *bundle, EVP_MD_CTX *digest, const char *bytes,
                             size_t len, struct err *err)
{
    if (EVP_DigestUpdate(digest, bytes, len) != 1)
        return err_set(err, RESULT_INTERNAL, "%s: no SHA-256", bundle->file->path);
    if (archive_write_data(bundle->tar, bytes, len) != (la_ssize_t)len)
        return tar_failed(bundle, err);
    return RESULT_OK;
}

static enum result file_put(struct bundle *bundle, EVP_MD_CTX *digest,
                            const struct audit_part *part, struct err *err)
{
    static char piece[PIECE];

    for (uint64_t at = 0; at < part->size;) {
        size_t want = part->size - at < sizeof piece ? (size_t)(part->size - at) : sizeof piece;
        ssize_t got = pread(part->fd, piece, want, (off_t)at);

        if (got < 0)
            return err_errno(err, RESULT_AUDIT, "%s: cannot read", part->name);
        if (got == 0)
            return err_set(err, RESULT_AUDIT, "%s: became shorter while it was read", part->name);
        if (bytes_put(bundle, digest, piece, (size_t)got, err) != RESULT_OK)
            return err->result;
        at += (uint64_t)got;
    }
    return RESULT_OK;
}

static enum result sum_put(struct bundle *bundle, EVP_MD_CTX *digest, const char *name,
                           struct err *err)
{
    uint8_t hash[SHA256_LEN];

    if (EVP_DigestFinal_ex(digest, hash, NULL) != 1)
        return err_set(err, RESULT_INTERNAL, "%s: no SHA-256", bundle->file->path);
    hex_put(&bundle->sums, hash, sizeof hash);
    buf_printf(&bundle->sums, "  %s\n", name);
    return buf_check(&bundle->sums, "SHA256SUMS", err);
}

enum result bundle_add(void *context, const struct audit_part *part, struct err *err)
{
    struct bundle *bundle = context;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    enum result result;

    if (digest == NULL || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
        result = err_set(err, RESULT_INTERNAL, "%s: no SHA-256", bundle->file->path);
    else if ((result = header_put(bundle, part, err)) == RESULT_OK)
        result = part->fd < 0 ? bytes_put(bundle, digest, part->text, (size_t)part->size, err)
                              : file_put(bundle, digest, part, err);
    if (result == RESULT_OK)
        result = sum_put(bundle, digest, part->name, err);
    EVP_MD_CTX_free(digest);
    return result;
}

enum result bundle_end(struct bundle *bundle, struct err *err)
{
    struct audit_part sums = {"SHA256SUMS", -1, NULL, bundle->sums.len};
    AUTO_BUF text = bundle->sums;

    bundle->sums = (struct buf)BUF_INIT(bundle->sums.max);
    sums.text = buf_text(&text);
    if (bundle_add(bundle, &sums, err) != RESULT_OK)
        return err->result;
    if (archive_write_close(bundle->tar) != ARCHIVE_OK)
        return tar_failed(bundle, err);
    return fsync(bundle->file->fd) == 0
               ? RESULT_OK
               : err_errno(err, RESULT_INTERNAL, "%s: cannot flush", bundle->file->path);
}

void bundle_close(struct bundle *bundle)
{
    if (bundle->tar != NULL)
        (void)archive_write_free(bundle->tar);
    bundle->tar = NULL;
    buf_free(&bundle->sums);
}
