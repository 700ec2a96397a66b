/*
 * memsearch PROCESS|PATH NEEDLE-FILE...: where the needles (what the files hold, without a newline
 * at the end) are in the memory of a process, or in a file. As root: it reads what the process
 * itself cannot, guard pages and mappings without permissions too.
 *
 * Looked for are the bytes, base64 at each of its three alignments, hex in either case, UTF-16 in
 * either order, and of each of these pieces: 16 bytes of the needle, or three quarters of a short
 * one. What touches is one find. A line for each needle, form and mapping, with tabs between:
 *
 *     NEEDLE FORM WHOLE PARTS FROM-TO FLAGS OWNER
 *
 * FLAGS are locked and nodump, or "-". Exit as grep: 0 found, 1 not, 2 not looked at all of it.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMS_MAX = 16 * 12, NEEDLE_MAX = 1024, FORM_MAX = 4 * NEEDLE_MAX, PIECE = 16, TROUBLE = 2 };

struct form {
    const char *needle, *name;
    unsigned char bytes[FORM_MAX];
    size_t len, piece; /* a run of `piece` bytes is a find */
    unsigned whole, parts;
};

struct mapping {
    uint64_t from, to;
    uint64_t kept; /* KiB in memory or swapped out: without any there is nothing to read */
    bool locked, nodump;
    char owner[512];
};

struct search {
    struct form form[FORMS_MAX];
    size_t forms;
    bool begins[1 << 16]; /* which two bytes some piece begins with */
    bool found, trouble;
};

static struct search search;

static void *memory(size_t size)
{
    void *got = malloc(size);

    if (got == NULL)
        err(TROUBLE, "%zu bytes", size);
    return got;
}

/* `wide`: bytes of this form for four of the needle. */
static struct form *form_new(const char *needle, const char *name, size_t needle_len, size_t wide)
{
    struct form *form = &search.form[search.forms++];
    size_t piece = needle_len * 3 / 4 < PIECE ? (needle_len * 3 + 3) / 4 : PIECE;

    if (search.forms == FORMS_MAX)
        errx(TROUBLE, "too many needles");
    form->needle = needle;
    form->name = name;
    form->piece = piece * wide / 4 < 6 ? 6 : piece * wide / 4;
    return form;
}

static void add_hex(const char *needle, const unsigned char *bytes, size_t len, const char *digits)
{
    struct form *form = form_new(needle, "hex", len, 8);

    for (size_t i = 0; i < len; i++) {
        form->bytes[form->len++] = (unsigned char)digits[bytes[i] >> 4];
        form->bytes[form->len++] = (unsigned char)digits[bytes[i] & 15];
    }
}

/* What does not depend on the neighbours: `skip` bytes stand before the needle in its group. */
static void add_base64(const char *needle, const unsigned char *bytes, size_t len, size_t skip,
                       const char *last)
{
    static const char most[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    struct form *form = form_new(needle, "base64", len - 2, 5);

    for (size_t digit = (8 * skip + 5) / 6; 6 * digit + 6 <= 8 * (skip + len); digit++) {
        unsigned value = 0;

        for (size_t bit = 6 * digit - 8 * skip; bit < 6 * digit - 8 * skip + 6; bit++)
            value = value << 1 | (bytes[bit / 8] >> (7 - bit % 8) & 1U);
        form->bytes[form->len++] = (unsigned char)(value < 62 ? most[value] : last[value - 62]);
    }
}

static void add_utf16(const char *needle, const unsigned char *bytes, size_t len, size_t at)
{
    struct form *form = form_new(needle, "utf16", len, 8);

    for (size_t i = 0; i < len; i++)
        form->bytes[2 * i + at] = bytes[i];
    form->len = 2 * len;
}

static void needle_add(const char *name, const unsigned char *bytes, size_t len)
{
    struct form *raw = form_new(name, "raw", len, 4);

    memcpy(raw->bytes, bytes, len);
    raw->len = len;
    add_hex(name, bytes, len, "0123456789abcdef");
    add_hex(name, bytes, len, "0123456789ABCDEF");
    for (size_t skip = 0; skip < 3; skip++) {
        add_base64(name, bytes, len, skip, "+/");
        add_base64(name, bytes, len, skip, "-_");
    }
    add_utf16(name, bytes, len, 0);
    add_utf16(name, bytes, len, 1);
}

static void needle_read(const char *path)
{
    const char *slash = strrchr(path, '/');
    unsigned char bytes[NEEDLE_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;

    if (len < 0)
        err(TROUBLE, "%s", path);
    (void)close(fd);
    if (len > 0 && bytes[len - 1] == '\n')
        len--;
    if (len < 8 || len == NEEDLE_MAX)
        errx(TROUBLE, "%s: a needle has 8 to %d bytes", path, NEEDLE_MAX - 1);
    needle_add(slash != NULL ? slash + 1 : path, bytes, (size_t)len);
}

static void begins_fill(void)
{
    for (size_t i = 0; i < search.forms; i++)
        for (size_t at = 0; at + search.form[i].piece <= search.form[i].len; at++)
            search.begins[search.form[i].bytes[at] << 8 | search.form[i].bytes[at + 1]] = true;
}

/* How many bytes at `here` are the form's, from whatever place in it. */
static size_t longest(const struct form *form, const unsigned char *here, size_t left)
{
    size_t best = 0;

    for (size_t at = 0; at + form->piece <= form->len; at++) {
        size_t run = 0;

        while (run < left && at + run < form->len && here[run] == form->bytes[at + run])
            run++;
        if (run > best)
            best = run;
    }
    return best >= form->piece ? best : 0;
}

/* Counts what begins here; returns how far to go on. */
static size_t look_at(const unsigned char *here, size_t left)
{
    struct form *which = NULL;
    size_t best = 0;

    for (size_t i = 0; i < search.forms; i++) {
        size_t run = longest(&search.form[i], here, left);

        if (run <= best)
            continue;
        best = run;
        which = &search.form[i];
    }
    if (which == NULL)
        return 1;
    *(best == which->len ? &which->whole : &which->parts) += 1;
    return best;
}

static void bytes_search(const unsigned char *bytes, size_t len)
{
    size_t at = 0;

    while (at + 1 < len)
        at += search.begins[bytes[at] << 8 | bytes[at + 1]] ? look_at(bytes + at, len - at) : 1;
}

/* Prints and clears the counts; of the forms of one name, one line. */
static void report(const struct mapping *mapping)
{
    for (size_t i = 0; i < search.forms; i++) {
        struct form *first = &search.form[i];

        for (size_t j = i + 1; j < search.forms; j++) {
            struct form *form = &search.form[j];

            if (form->needle != first->needle || strcmp(form->name, first->name) != 0)
                continue;
            first->whole += form->whole;
            first->parts += form->parts;
            form->whole = form->parts = 0;
        }
        if (first->whole + first->parts == 0)
            continue;
        search.found = true;
        (void)printf("%s\t%s\t%u\t%u\t%" PRIx64 "-%" PRIx64 "\t%s%s%s\t%s\n", first->needle,
                     first->name, first->whole, first->parts, mapping->from, mapping->to,
                     mapping->locked ? "locked" : "", mapping->locked && mapping->nodump ? "," : "",
                     mapping->nodump ? "nodump" : (mapping->locked ? "" : "-"), mapping->owner);
        first->whole = first->parts = 0;
    }
}

static bool read_all(int fd, uint64_t from, unsigned char *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t got = pread(fd, bytes + done, len - done, (off_t)(from + done));

        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* The kernel's own pages in a process: nobody's secrets. */
static bool is_kernels(const struct mapping *mapping)
{
    return strncmp(mapping->owner, "[vvar", 5) == 0 || strcmp(mapping->owner, "[vsyscall]") == 0;
}

static void mapping_search(int fd, const struct mapping *mapping)
{
    size_t len = mapping->to - mapping->from;
    unsigned char *bytes;

    if (mapping->kept == 0 || is_kernels(mapping))
        return;
    bytes = memory(len);
    if (read_all(fd, mapping->from, bytes, len)) {
        bytes_search(bytes, len);
        report(mapping);
    } else {
        warn("%" PRIx64 " %s: cannot read it", mapping->from, mapping->owner);
        search.trouble = true;
    }
    free(bytes);
}

static bool mapping_begin(const char *line, struct mapping *out)
{
    struct mapping mapping = {.owner = "anonymous"};

    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %511[^\n]", &mapping.from,
               &mapping.to, mapping.owner) < 2)
        return false;
    *out = mapping;
    return true;
}

static void mapping_fact(const char *line, struct mapping *mapping)
{
    uint64_t kept;

    if (sscanf(line, "Rss: %" SCNu64, &kept) == 1 || sscanf(line, "Swap: %" SCNu64, &kept) == 1)
        mapping->kept += kept;
    if (strncmp(line, "VmFlags:", 8) != 0)
        return;
    mapping->locked = strstr(line, " lo") != NULL;
    mapping->nodump = strstr(line, " dd") != NULL;
}

static FILE *of_process(const char *process, const char *name)
{
    char path[64];
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%s/%s", process, name);
    file = fopen(path, "re");
    if (file == NULL)
        err(TROUBLE, "%s", path);
    return file;
}

static void process_search(const char *process)
{
    FILE *maps = of_process(process, "smaps"), *bytes = of_process(process, "mem");
    struct mapping mapping;
    unsigned mappings = 0;
    char line[1024];

    while (fgets(line, sizeof line, maps) != NULL) {
        if (isxdigit((unsigned char)line[0]) && mapping_begin(line, &mapping)) {
            mappings++;
            continue;
        }
        mapping_fact(line, &mapping);
        if (strncmp(line, "VmFlags:", 8) == 0) /* the last of its facts */
            mapping_search(fileno(bytes), &mapping);
    }
    if (mappings == 0)
        errx(TROUBLE, "process %s has no memory", process);
    (void)fclose(maps);
    (void)fclose(bytes);
}

static void file_search(const char *path)
{
    struct mapping mapping = {0};
    unsigned char *bytes;
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &status) != 0)
        err(TROUBLE, "%s", path);
    (void)snprintf(mapping.owner, sizeof mapping.owner, "%s", path);
    mapping.to = (uint64_t)status.st_size;
    bytes = memory(mapping.to + 1);
    if (!read_all(fd, 0, bytes, mapping.to))
        err(TROUBLE, "%s", path);
    bytes_search(bytes, mapping.to);
    report(&mapping);
    free(bytes);
    (void)close(fd);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        errx(TROUBLE, "usage: memsearch PROCESS|PATH NEEDLE-FILE...");
    for (int i = 2; i < argc; i++)
        needle_read(argv[i]);
    begins_fill();
    if (strchr(argv[1], '/') != NULL)
        file_search(argv[1]);
    else
        process_search(argv[1]);
    if (fflush(stdout) != 0)
        err(TROUBLE, "standard output");
    return search.trouble ? TROUBLE : search.found ? 0 : 1;
}
