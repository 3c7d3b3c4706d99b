/* SPDX-License-Identifier: Apache-2.0
   What gate G4 must refuse: a type outside of ABI-3, and a name that no include brings. bool in a comment is fine. */
#ifndef SCC_BAD_H
#define SCC_BAD_H
typedef struct scc_bad {
  uint32_t struct_size;
  long value;
} scc_bad;
#endif
