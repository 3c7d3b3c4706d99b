/* SPDX-License-Identifier: Apache-2.0
   scc/abi.h: the whole binary contract between the scc host and its plugins, in one include. */
#ifndef SCC_ABI_H
#define SCC_ABI_H

#include "base.h"
#include "entry.h"
#include "host.h"
#include "mcp.h"
#include "netpolicy.h"
#include "provider.h"
#include "runtime.h"
#include "safety.h"

#endif
