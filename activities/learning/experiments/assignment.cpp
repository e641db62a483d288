#include "activities/learning/experiments/assignment.h"

#include "engine/base/hash.h"

namespace wfe::learning {

double Draw(std::string_view experiment_id, std::string_view run_id) {
  const std::string length = std::to_string(experiment_id.size()) + ":";
  const Sha256Digest digest = Sha256({length, experiment_id, run_id});
  uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) bits = bits << 8 | digest[static_cast<size_t>(i)];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

std::string_view ArmOf(const Experiment& experiment, std::string_view run_id) {
  return Draw(experiment.experiment_id, run_id) < experiment.variant_share ? kVariantArm : kControlArm;
}

}  // namespace wfe::learning
