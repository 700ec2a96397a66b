#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "config.h"

#define PATIENCE 300 /* ms, before it is worth a line */
#define PAUSE    100 /* ms, between two drawings */
#define BAR      30
#define WIDTH    78 /* of the line; narrower terminals show it on two */

void progress_start(struct progress *progress, const struct output *output, const char *what)
{
    const struct options *options = output->options;

    *progress = (struct progress){.start = clock_monotonic(), .what = what};
    progress->next = progress->start + PATIENCE;
    progress->shown =
        !options->json && !options->quiet && !surroundings.no_color && isatty(STDERR_FILENO) == 1;
}

static void bar_put(struct buf *line, uint64_t done, uint64_t total)
{
    uint64_t filled = done < total ? done * BAR / total : BAR;

    buf_putc(line, '[');
    for (unsigned i = 0; i < BAR; i++)
        buf_putc(line, i < filled ? '#' : '.');
    buf_printf(line, "] %3" PRIu64 " %%  ", done < total ? done * 100 / total : 100);
}

/* No escape sequence: spaces wipe out what was there before. */
static void draw(const struct progress *progress, uint64_t done, uint64_t total)
{
    AUTO_BUF line = BUF_INIT(2 * WIDTH);
    int64_t elapsed = clock_monotonic() - progress->start;

    if (total > 0)
        bar_put(&line, done, total);
    buf_printf(&line, "%" PRIu64 " %s", done, progress->what);
    if (done > 0 && done < total)
        buf_printf(&line, ", %" PRId64 " s left",
                   (int64_t)((double)elapsed * (double)(total - done) / (double)done / 1000) + 1);
    (void)fprintf(stderr, "\r%-*.*s", WIDTH, WIDTH, buf_text(&line));
    (void)fflush(stderr);
}

void progress_step(void *context, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    int64_t now;

    if (!progress->shown)
        return;
    now = clock_monotonic();
    if (now < progress->next)
        return;
    draw(progress, done, total);
    progress->drawn = true;
    progress->next = now + PAUSE;
}

void progress_end(struct progress *progress)
{
    if (progress->drawn)
        (void)fprintf(stderr, "\r%*s\r", WIDTH, "");
    *progress = (struct progress){0};
}
