#include "workers/host/worker_group.h"

#include <future>
#include <utility>

namespace wfe::worker {

WorkerGroup::WorkerGroup(std::unique_ptr<client::ServiceClient> client, Log log)
    : log_(std::move(log)), client_(std::move(client)) {}

WorkerGroup::~WorkerGroup() {
  StopAll();
  client_.reset();  // ends the calls whose answers would go to the strand
  workflow_code_.Close();
  strand_.Close();
}

void WorkerGroup::Add(ActivityExecutor& executor, const sdk::WorkflowRegistry& workflows,
                      const sdk::ActivityRegistry& activities, WorkerOptions options) {
  const Environment environment{.client = *client_,
                                .strand = strand_,
                                .timers = loop_,
                                .clock = clock_,
                                .ids = ids_,
                                .log = log_,
                                .workflow_code = &workflow_code_};
  OnStrand([&] {
    workers_.push_back(std::make_unique<Worker>(environment, executor, workflows, activities, std::move(options)));
    workers_.back()->Start();
  });
}

void WorkerGroup::Drain() {
  std::promise<void> drained;
  strand_.Post([this, &drained] {
    if (workers_.empty()) return drained.set_value();
    auto left = std::make_shared<size_t>(workers_.size());
    for (const auto& each : workers_) {
      each->Shutdown([left, &drained] {
        if (--*left == 0) drained.set_value();
      });
    }
  });
  drained.get_future().wait();
}

void WorkerGroup::StopAll() {
  OnStrand([this] { workers_.clear(); });
}

std::vector<WorkerStats> WorkerGroup::Stats() {
  std::vector<WorkerStats> stats;
  OnStrand([&] {
    for (const auto& each : workers_) stats.push_back(each->stats());
  });
  return stats;
}

void WorkerGroup::OnStrand(const std::function<void()>& work) {
  std::promise<void> done;
  strand_.Post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace wfe::worker
