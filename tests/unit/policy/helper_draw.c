#include "helper_draw.h"

const char *const draw_member[5] = {"certificate_authorities", "validity_days",
                                    "validation_methods", "cloudflare_branding",
                                    "geo_restrictions"};
const char *const draw_value[5][4] = {{"\"google\"", "\"lets_encrypt\"", "\"ssl_com\""},
                                      {"14", "30", "90", "365"},
                                      {"\"txt\"", "\"http\"", "\"email\""},
                                      {"false", "true"},
                                      {"\"us\"", "\"eu\"", "\"highest_security\"", "\"none\""}};
const unsigned draw_values[5] = {3, 4, 3, 2, 4};

static uint64_t state = 20261123;

void draw_start(uint64_t seed)
{
    state = seed;
}

unsigned draw(unsigned below)
{
    state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = (state ^ (state >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (unsigned)((z ^ (z >> 31)) % below);
}
