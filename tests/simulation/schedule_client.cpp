#include "tests/simulation/schedule_client.h"

#include "engine/base/proto_time.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "tests/simulation/event_loop.h"
#include "tests/simulation/program.h"
#include "tests/simulation/worker_process.h"
#include "workers/core/payload_codec.h"

namespace wfe::simulation {

using namespace std::chrono_literals;
namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;

class ScheduleClient::Impl final : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Process& process, Strand& strand, Link& link, Random random, const Options& options, int number)
      : process_(process), strand_(strand), link_(link), random_(random), options_(options) {
    id_ = "schedule-" + std::to_string(number);
  }

  void Start();

  bool done = false;
  std::vector<std::string> violations;

 private:
  /// Repeats the call until the answer is clear.
  template <class Response, class Request, class Done>
  void Insist(std::string method, Request request, Done then) {
    client::CallMethod<Response>(
        link_, client::kWorkflowService, method, request, {.timeout = 10s, .executor = &strand_},
        [self = shared_from_this(), method, request, then](Result<Response> answer) mutable {
          if (answer) return then(*answer);
          const StatusCode code = answer.error().code;
          if (code != StatusCode::kUnavailable && code != StatusCode::kDeadlineExceeded) {
            self->violations.push_back(self->id_ + ": " + method + ": " + answer.error().ToString());
            return;
          }
          self->process_.After(200ms, self->strand_,
                               [self, method, request, then] { self->Insist<Response>(method, request, then); });
        });
  }
  void Trigger(int left);
  void Await();
  void Described(const ws::DescribeScheduleResponse& described);

  Process& process_;
  Strand& strand_;
  Link& link_;
  Random random_;
  const Options& options_;
  std::string id_;
};

void ScheduleClient::Impl::Start() {
  ws::CreateScheduleRequest request;
  request.set_namespace_("default");
  request.set_schedule_id(id_);
  request.set_request_id(id_ + "-create");
  auto& schedule = *request.mutable_schedule();
  const Duration every = random_.Between(Duration(5s), options_.safety / 6);
  auto& interval = *schedule.mutable_spec()->add_interval();
  interval.mutable_interval()->set_seconds(every / 1s);
  interval.mutable_phase()->set_seconds(random_.Between(0, every / 1s - 1));
  if (random_.Chance(0.5)) *schedule.mutable_spec()->mutable_jitter() = ToProto(Duration(3s));
  *schedule.mutable_spec()->mutable_end_time() = ToProto(EventLoop::kStart + options_.safety / 2);
  auto& action = *schedule.mutable_action()->mutable_start_workflow();
  action.set_workflow_id(id_ + "-action");
  action.mutable_workflow_type()->set_name(kProgramWorkflow);
  action.mutable_task_queue()->set_name(kTaskQueue);
  ProgramShape shape;
  shape.operations = 2;
  *action.mutable_input() = core::EncodePayloads(RandomProgram(random_, shape).input);
  schedule.mutable_policies()->set_overlap_policy(static_cast<enums::ScheduleOverlapPolicy>(random_.Between(1, 6)));
  Insist<ws::CreateScheduleResponse>("CreateSchedule", request, [self = shared_from_this()](const auto&) {
    self->Trigger(static_cast<int>(self->random_.Below(3)));
  });
}

void ScheduleClient::Impl::Trigger(int left) {
  if (left == 0) return Await();
  process_.After(random_.Between(Duration(1s), options_.safety / 4), strand_, [self = shared_from_this(), left] {
    ws::PatchScheduleRequest request;
    request.set_namespace_("default");
    request.set_schedule_id(self->id_);
    request.set_request_id(self->id_ + "-trigger-" + std::to_string(left));
    request.mutable_patch()->mutable_trigger_immediately();
    self->Insist<ws::PatchScheduleResponse>("PatchSchedule", request,
                                            [self, left](const auto&) { self->Trigger(left - 1); });
  });
}

void ScheduleClient::Impl::Await() {
  process_.After(2s, strand_, [self = shared_from_this()] {
    ws::DescribeScheduleRequest request;
    request.set_namespace_("default");
    request.set_schedule_id(self->id_);
    self->Insist<ws::DescribeScheduleResponse>(
        "DescribeSchedule", request,
        [self](const ws::DescribeScheduleResponse& described) { self->Described(described); });
  });
}

void ScheduleClient::Impl::Described(const ws::DescribeScheduleResponse& described) {
  const auto& info = described.info();
  if (info.future_action_times_size() > 0 || info.running_workflows_size() > 0 || info.buffer_size() > 0) {
    return Await();
  }
  done = true;
}

ScheduleClient::ScheduleClient(Process& process, Strand& strand, Link& link, Random random, const Options& options,
                               int number)
    : impl_(std::make_shared<Impl>(process, strand, link, random, options, number)) {}
ScheduleClient::~ScheduleClient() = default;

void ScheduleClient::Start() { impl_->Start(); }
bool ScheduleClient::done() const { return impl_->done; }
const std::vector<std::string>& ScheduleClient::violations() const { return impl_->violations; }

}  // namespace wfe::simulation
