#include "tests/simulation/plan.h"

namespace wfe::simulation {

using namespace std::chrono_literals;

namespace {

enum class Kind { kOrdinary, kCancelled, kTerminated, kTimedOut, kFailed, kRetried, kDisturbed };

Kind RandomKind(Random& random) {
  switch (random.Below(16)) {
    case 0:
      return Kind::kCancelled;
    case 1:
      return Kind::kTerminated;
    case 2:
      return Kind::kTimedOut;
    case 3:
      return Kind::kFailed;
    case 4:
      return Kind::kRetried;
    case 5:
    case 6:
      return Kind::kDisturbed;
    default:
      return Kind::kOrdinary;
  }
}

void Shape(Plan& plan, Kind kind, Random& random, Duration safety) {
  nlohmann::json& end = plan.program.input["end"];
  const Duration sometime = random.Between(Duration::zero(), safety);
  switch (kind) {
    case Kind::kOrdinary:
      plan.statuses = {enums::WORKFLOW_EXECUTION_STATUS_COMPLETED};
      break;
    case Kind::kCancelled:
      end = "cancel";
      plan.cancel_after = sometime;
      plan.statuses = {enums::WORKFLOW_EXECUTION_STATUS_CANCELED};
      break;
    case Kind::kTerminated:
      end = "forever";
      plan.terminate_after = sometime;
      plan.statuses = {enums::WORKFLOW_EXECUTION_STATUS_TERMINATED};
      break;
    case Kind::kTimedOut:
      end = "forever";
      plan.run_timeout = random.Between(Duration(1s), Duration(2min));
      // The run's time limits its activities, too; one may fail by it first (S26).
      plan.statuses = {enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT, enums::WORKFLOW_EXECUTION_STATUS_FAILED};
      break;
    case Kind::kFailed:
      end = "fail";
      plan.statuses = {enums::WORKFLOW_EXECUTION_STATUS_FAILED};
      break;
    case Kind::kRetried:
      end = "third";
      plan.retries = static_cast<int>(random.Between(3, 5));
      plan.statuses = {enums::WORKFLOW_EXECUTION_STATUS_COMPLETED};
      break;
    case Kind::kDisturbed:
      // At any moment, also within a workflow task; whether it is too late is up to the seed.
      if (random.Chance(0.5)) {
        plan.cancel_after = sometime / 3;
        plan.statuses = {enums::WORKFLOW_EXECUTION_STATUS_COMPLETED, enums::WORKFLOW_EXECUTION_STATUS_CANCELED};
      } else {
        plan.terminate_after = sometime / 3;
        plan.statuses = {enums::WORKFLOW_EXECUTION_STATUS_COMPLETED, enums::WORKFLOW_EXECUTION_STATUS_TERMINATED};
      }
      break;
  }
}

}  // namespace

std::vector<Plan> RandomPlans(Random random, const Options& options) {
  std::vector<Plan> plans;
  Random neighbours = Random(options.seed).Fork("neighbours");  // a stream of its own: the rest of a seed stays as it is
  for (int number = 0; number < options.workflows; ++number) {
    const Kind kind = RandomKind(random);
    Plan plan;
    plan.number = number;
    plan.workflow_id = "workflow-" + std::to_string(number);
    plan.start_at = random.Between(Duration::zero(), options.safety / 2);
    // A run that is retried starts again without the signals of the run before.
    const bool may_signal = kind != Kind::kRetried && kind != Kind::kTimedOut;
    ProgramShape shape;
    shape.operations = static_cast<int>(random.Between(1, 7));
    shape.signals = may_signal && random.Chance(0.5) ? static_cast<int>(random.Between(1, 8)) : 0;
    shape.poison = options.allow_poison && kind == Kind::kOrdinary && random.Chance(0.1);
    shape.continues = kind == Kind::kOrdinary || kind == Kind::kDisturbed || kind == Kind::kCancelled;
    plan.program = RandomProgram(random, shape);
    if (neighbours.Chance(options.neighbours)) AddNeighbourSteps(plan.program, neighbours);

    int64_t value = plan.program.value;
    const Duration spread = random.Between(Duration(10ms), options.safety / 2);
    for (int i = 0; i < shape.signals; ++i) {
      const int64_t each = random.Between(1, 99);
      value += each;
      plan.signals.push_back({random.Between(Duration::zero(), spread), each});
    }
    plan.start_with_signal = shape.signals > 0 && random.Chance(0.3);
    const int64_t queries = random.Chance(0.4) ? random.Between(1, 4) : 0;
    for (int64_t i = 0; i < queries; ++i) {
      plan.query_after.push_back(random.Between(Duration::zero(), options.safety / 2));
    }
    if (random.Chance(0.15) && kind != Kind::kTimedOut)
      plan.start_delay = random.Between(Duration(10ms), Duration(20s));
    Shape(plan, kind, random, options.safety);
    // A cancelled scope may leave out what it would have added.
    if (kind != Kind::kDisturbed) plan.value = value;
    plans.push_back(std::move(plan));
  }
  return plans;
}

std::string Plan::ToString() const {
  std::string text = workflow_id + ": " + program.input.dump();
  if (start_with_signal) text += ", started by a signal";
  if (!signals.empty()) text += ", " + std::to_string(signals.size()) + " signals";
  if (cancel_after) text += ", cancelled";
  if (terminate_after) text += ", terminated";
  if (retries > 0) text += ", retried";
  if (value) text += ", value " + std::to_string(*value);
  return text;
}

}  // namespace wfe::simulation
