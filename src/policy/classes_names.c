/* The names of a class written out: to match one, to count them, to make an order of them. */
#include "compare.h"

#define CHARACTERS  "xyzabcdefghijklmnopqrstuvw0123456789"
#define LABEL_MOST  4   /* bytes: more labels than any two policies can name */
#define SHORT_BYTES 200 /* of a name that host_check() surely passes */
#define SHORT_DOTS  7

/* The label with this number: x, y, z ... 9, xx, xy ... */
static bool label_write(uint32_t number, char out[LABEL_MOST + 1])
{
    uint32_t base = sizeof CHARACTERS - 1, count = base;
    size_t len = 1;
    for (; number >= count; count *= base) {
        number -= count;
        if (++len > LABEL_MOST)
            return false;
    }
    for (out[len] = '\0'; len > 0; number /= base)
        out[--len] = CHARACTERS[number % base];
    return true;
}

static char *part_put(char *at, const char *end, const char *part)
{
    size_t len = strlen(part);
    if (at == NULL || (size_t)(end - at) < len + 2) /* with a dot and a NUL */
        return NULL;
    memcpy(at, part, len + 1);
    at[len] = '.';
    at[len + 1] = '\0';
    return at + len + 1;
}

/* first and second may be "". False when there can be no such name. */
static bool name_join(const char *first, const char *second, const char *node,
                      char out[HOST_LEN + 2])
{
    const char *end = out + HOST_LEN + 2;
    char *at = out;
    size_t dots = 0;
    struct err ignored;
    if (first[0] != '\0')
        at = part_put(at, end, first);
    if (second[0] != '\0')
        at = part_put(at, end, second);
    at = part_put(at, end, node);
    if (at == NULL)
        return false;
    *--at = '\0';
    for (const char *c = out; *c != '\0'; c++)
        dots += *c == '.';
    return (at - out <= SHORT_BYTES && dots <= SHORT_DOTS) ||
           host_check(out, true, &ignored) == RESULT_OK;
}

void names_start(struct names *names, const struct region *region, const char *node,
                 enum shape shape)
{
    *names = (struct names){.region = region, .node = node, .shape = shape};
}

/* The next x that begins no node here. False: there is none that fits. */
static bool fresh_label(struct names *names, char out[LABEL_MOST + 1])
{
    char name[HOST_LEN + 2];
    const struct region *region = names->region;
    uint32_t place = (uint32_t)(region->place - region->space->place);
    for (; label_write(names->x, out); names->x++) {
        if (!name_join("", out, names->node, name))
            return false;
        if (!space_has_node(region->space, place, name))
            return true;
    }
    return false;
}

static bool below_next(struct names *names, char out[HOST_LEN + 2])
{
    char x[LABEL_MOST + 1], y[LABEL_MOST + 1];
    for (; fresh_label(names, x); names->x++) {
        if (label_write(names->y, y) && name_join(y, x, names->node, out)) {
            names->y++;
            return true;
        }
        if (names->y == 0)
            return false;
        names->y = 0;
    }
    return false;
}

bool names_next(struct names *names, char out[HOST_LEN + 2])
{
    char x[LABEL_MOST + 1];
    if (names->shape == SHAPE_BELOW)
        return below_next(names, out);
    if (names->shape == SHAPE_NODE || names->shape == SHAPE_STAR) {
        bool first = names->x++ == 0;
        return first && name_join("", names->shape == SHAPE_STAR ? "*" : "", names->node, out);
    }
    if (!fresh_label(names, x))
        return false;
    names->x++;
    return name_join(names->shape == SHAPE_STAR_BELOW ? "*" : "", x, names->node, out);
}
