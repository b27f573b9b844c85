/* Generated from talos_ref by `python -m host_c.generate`; do not edit. */
#ifndef TALOS_TABLES_H
#define TALOS_TABLES_H

#include <stdint.h>

/* Words: weights and stored activations. All formats have the same fraction. */
#define TALOS_WORD_FRACTION 12
#define TALOS_Q4_12_WIDTH 16
#define TALOS_Q4_12_LOW (-32768)
#define TALOS_Q4_12_HIGH 32767
#define TALOS_Q4_12_WIDE_LOW (-131072)
#define TALOS_Q4_12_WIDE_HIGH 131071
#define TALOS_Q4_12_WIDE_FRACTION 13
#define TALOS_Q4_12_GUARD 2
#define TALOS_MAX_WIDTH 18

/* What depends on the format in `precise`: a sum that a scale multiplies is in the format `wide`, and
 * a weighted mean keeps `guard` bits below a word until its product. */
typedef struct {
    int32_t width, low, high, wide_low, wide_high, wide_fraction, guard;
} talos_format;
#define TALOS_FORMATS 3
static const talos_format talos_formats[TALOS_FORMATS] = {
    {16, -32768, 32767, -131072, 131071, 13, 2}, /* Q4.12 */
    {17, -65536, 65535, -262144, 262143, 13, 2}, /* Q5.12 */
    {18, -131072, 131071, -262144, 262143, 12, 1}, /* Q6.12 */
};

/* RMSNorm. */
#define TALOS_EPS 1e-05
#define TALOS_SCALE_WIDTH 17
#define TALOS_SCALE_FRACTION 13
#define TALOS_SCALE_HIGH 131071
#define TALOS_V2_SCALE_HIGH 32767
/* c / sqrt(u) for u in [1/4, 1): c and the lines depend on n_embd. */
#define TALOS_RSQRT_INDEX_BITS 8
#define TALOS_RSQRT_STEP_BITS 8
#define TALOS_RSQRT_FIRST 64 /* segment of the first line */
#define TALOS_RSQRT_FRACTION 16

/* Temperatures, UQ8.8, and log2(e) / temperature. */
#define TALOS_LOG2E 1.4426950408889634
#define TALOS_TEMPERATURE_FRACTION 8
#define TALOS_TEMPERATURE_HIGH 65535
#define TALOS_MIN_TEMPERATURE 16
#define TALOS_MAX_TEMPERATURE 4096
#define TALOS_INVERSE_FROM_ONE 24204406LL /* log2(e) for temperatures of 1 and more */
#define TALOS_INVERSE_BELOW_ONE 1512775LL
#define TALOS_SHIFT_FROM_ONE 16
#define TALOS_SHIFT_BELOW_ONE 12
#define TALOS_V2_MULTIPLIER 0x149FBu

/* e^(-i/4) in UQ1.12, talos-v2. */
#define TALOS_EXP_ENTRIES 32
static const int32_t talos_exp_table[TALOS_EXP_ENTRIES] = {
    4096, 3189, 2484, 1935, 1507, 1174, 914, 712, 555, 432, 337, 262, 204, 159, 124, 97,
    75, 59, 46, 36, 28, 22, 17, 13, 10, 8, 6, 5, 4, 3, 2, 1};

/* 2^f for f in [0, 1), read at the fraction of an exponent. */
#define TALOS_EXPONENT_FRACTION 12
#define TALOS_EXP2_INDEX_BITS 5
#define TALOS_EXP2_STEP_BITS 7
#define TALOS_EXP2_FIRST 0 /* segment of the first line */
#define TALOS_EXP2_FRACTION 16
#define TALOS_EXP2_HIGH 131071
static const int32_t talos_exp2_lines[32][2] = { /* base, slope */
    {65534, 1435}, {66969, 1466}, {68435, 1499}, {69934, 1531}, {71465, 1565}, {73030, 1599}, {74629, 1634}, {76264, 1670},
    {77934, 1707}, {79640, 1744}, {81384, 1782}, {83166, 1821}, {84987, 1861}, {86848, 1902}, {88750, 1943}, {90693, 1986},
    {92679, 2029}, {94709, 2074}, {96782, 2119}, {98902, 2166}, {101067, 2213}, {103280, 2262}, {105542, 2311}, {107853, 2362},
    {110215, 2413}, {112628, 2466}, {115094, 2520}, {117615, 2576}, {120190, 2632}, {122822, 2690}, {125511, 2748}, {128260, 2809}};

/* 1 / u for u in [1/2, 1). */
#define TALOS_RECIPROCAL_INDEX_BITS 8
#define TALOS_RECIPROCAL_STEP_BITS 8
#define TALOS_RECIPROCAL_FIRST 128 /* segment of the first line */
#define TALOS_RECIPROCAL_FRACTION 16
#define TALOS_RECIPROCAL_HIGH 131071
static const int32_t talos_reciprocal_lines[128][2] = { /* base, slope */
    {131071, -1016}, {130055, -1000}, {129055, -985}, {128069, -970}, {127099, -956}, {126144, -941}, {125202, -927}, {124275, -914},
    {123361, -900}, {122461, -887}, {121573, -875}, {120699, -862}, {119837, -850}, {118987, -838}, {118149, -826}, {117322, -815},
    {116508, -804}, {115704, -792}, {114912, -782}, {114130, -771}, {113359, -761}, {112598, -751}, {111847, -741}, {111107, -731},
    {110376, -721}, {109654, -712}, {108942, -703}, {108240, -694}, {107546, -685}, {106861, -676}, {106184, -668}, {105517, -659},
    {104857, -651}, {104206, -643}, {103563, -635}, {102927, -628}, {102300, -620}, {101680, -613}, {101067, -605}, {100462, -598},
    {99864, -591}, {99273, -584}, {98689, -577}, {98112, -570}, {97542, -564}, {96978, -557}, {96420, -551}, {95869, -545},
    {95325, -539}, {94786, -533}, {94254, -527}, {93727, -521}, {93206, -515}, {92691, -509}, {92182, -504}, {91678, -498},
    {91180, -493}, {90687, -488}, {90200, -482}, {89717, -477}, {89240, -472}, {88768, -467}, {88301, -462}, {87839, -457},
    {87381, -453}, {86928, -448}, {86480, -443}, {86037, -439}, {85598, -435}, {85163, -430}, {84733, -426}, {84307, -422},
    {83886, -417}, {83468, -413}, {83055, -409}, {82646, -405}, {82241, -401}, {81840, -397}, {81443, -393}, {81049, -390},
    {80659, -386}, {80274, -382}, {79891, -379}, {79513, -375}, {79138, -372}, {78766, -368}, {78398, -365}, {78033, -361},
    {77672, -358}, {77314, -355}, {76960, -351}, {76608, -348}, {76260, -345}, {75915, -342}, {75573, -339}, {75234, -336},
    {74898, -333}, {74565, -330}, {74235, -327}, {73908, -324}, {73584, -321}, {73263, -319}, {72944, -316}, {72628, -313},
    {72315, -310}, {72005, -308}, {71697, -305}, {71392, -303}, {71090, -300}, {70790, -297}, {70492, -295}, {70197, -292},
    {69905, -290}, {69615, -288}, {69327, -285}, {69042, -283}, {68759, -281}, {68478, -278}, {68200, -276}, {67924, -274},
    {67650, -272}, {67378, -270}, {67109, -267}, {66841, -265}, {66576, -263}, {66313, -261}, {66052, -259}, {65793, -257}};

#endif
