/* What policies at random are drawn from; one sequence for each seed. */
#ifndef HELPER_DRAW_H
#define HELPER_DRAW_H

#include <stdint.h>

void draw_start(uint64_t seed); /* without it: one seed, always the same */
unsigned draw(unsigned below);

/* The attributes of a rule: a member's name, and its values as they stand in JSON. */
extern const char *const draw_member[5];
extern const char *const draw_value[5][4];
extern const unsigned draw_values[5];

#endif
