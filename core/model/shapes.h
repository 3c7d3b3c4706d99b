// SPDX-License-Identifier: Apache-2.0
// The shapes of all configuration documents: what check() holds them to. Source: the configuration reference,
// docs/config.md.
#pragma once

#include "model/shape.h"

namespace scc::model {

extern const Shape kOrgShape;
extern const Shape kTeamFileShape;
extern const Shape kProjectShape;
extern const Shape kPersonalShape;

// Pieces that several of them share.
namespace shapes {
extern const Shape kAnything;
extern const Shape kText;      ///< any string
extern const Shape kSomeText;  ///< a string that is not empty
extern const Shape kFlag;
extern const Shape kName;
extern const Shape kProvider;
extern const Shape kRefs;  ///< plugin references, checked later: they need the marketplaces
extern const Shape kGlobs;
extern const Shape kNames;
extern const Shape kProviders;
extern const Shape kTargets;
extern const Shape kSchemaVersion;
extern const Shape kNetworkPolicy;
extern const Shape kSession;
extern const Shape kDevEnvironment;
extern const Shape kMcpServer;
extern const Shape kMcpServers;
extern const Shape kMarketplaces;
extern const Shape kConfigSource;
extern const Shape kImages;
extern const Shape kImageRefs;
extern const Shape kDigests;
extern const Shape kTime;
extern const Shape kSafetyNet;
extern const Shape kGovernedArtifacts;
}  // namespace shapes

}  // namespace scc::model
