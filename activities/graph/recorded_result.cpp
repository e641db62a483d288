#include "activities/graph/recorded_result.h"

#include "engine/base/hash.h"

namespace wfe::graph {

std::string InputHash(const nlohmann::json& input) { return ToHex(Sha256(input.dump())); }

}  // namespace wfe::graph
