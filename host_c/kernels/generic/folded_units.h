/* Hidden units of a `folded` model that can be positive, packed: a part of folded_pack.c's preparation. */
#ifndef TALOS_FOLDED_UNITS_H
#define TALOS_FOLDED_UNITS_H

#include "folded_pack.h"

/* Fill units, from fc1_wo, folded and rows. */
void talos_folded_pack_units(const talos_model *m, talos_folded_pack *p);

#endif
