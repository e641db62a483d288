#include "tools/bench/load.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tools/bench/clock.h"
#include "tools/bench/workload.h"
#include "workers/client/blocking_call.h"

namespace wfe::bench {
namespace {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;
using namespace std::chrono_literals;

std::string UniquePrefix() {
  static std::atomic<int> counter = 0;
  return "bench-" + std::to_string(getpid()) + "-" + std::to_string(counter.fetch_add(1)) + "-";
}

ws::StartWorkflowExecutionRequest StartRequest(const std::string& type, const std::string& input,
                                               const std::string& id) {
  ws::StartWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.set_workflow_id(id);
  request.mutable_workflow_type()->set_name(type);
  request.mutable_task_queue()->set_name(std::string(kBenchQueue));
  request.set_identity("bench");
  request.set_request_id(id);
  if (!input.empty()) {
    auto& payload = *request.mutable_input()->add_payloads();
    (*payload.mutable_metadata())["encoding"] = "json/plain";
    payload.set_data(input);
  }
  return request;
}

ws::GetWorkflowExecutionHistoryRequest CloseRequest(const std::string& id) {
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(id);
  request.set_wait_new_event(true);
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  return request;
}

class Loop : public std::enable_shared_from_this<Loop> {
 public:
  Loop(client::ServiceClient& client, const LoadOptions& options) : client_(client), options_(options) {}

  LoadResult Run(const std::function<void()>& at_start, const std::function<void()>& at_end) {
    for (int i = 0; i < options_.callers; ++i) Next();
    std::this_thread::sleep_for(std::chrono::duration<double>(options_.warm_up_s));
    at_start();
    const Clock::time_point start = Clock::now();
    measuring_ = true;
    std::this_thread::sleep_for(std::chrono::duration<double>(options_.measured_s));
    measuring_ = false;
    const Clock::time_point end = Clock::now();
    at_end();
    stopping_ = true;
    std::unique_lock lock(mutex_);
    idle_.wait_for(lock, 60s, [this] { return callers_ == 0; });
    result_.seconds = std::chrono::duration<double>(end - start).count();
    result_.completed = static_cast<int64_t>(result_.latencies_ms.size());
    if (callers_ != 0 && result_.first_error.empty()) result_.first_error = "workflows were still open after 60 s";
    std::sort(result_.latencies_ms.begin(), result_.latencies_ms.end());
    return result_;
  }

 private:
  void Next() {
    {
      const std::lock_guard lock(mutex_);
      ++callers_;
    }
    StartOne();
  }

  void StartOne() {
    const std::string id = prefix_ + std::to_string(next_id_.fetch_add(1));
    const Clock::time_point begin = Clock::now();
    client::CallMethod<ws::StartWorkflowExecutionResponse>(
        client_, client::kWorkflowService, "StartWorkflowExecution",
        StartRequest(options_.workflow_type, options_.input_json, id), {.timeout = 30s, .executor = nullptr},
        [self = shared_from_this(), id, begin](const Result<ws::StartWorkflowExecutionResponse>& started) {
          if (!started) return self->Leave(started.error().ToString());
          self->Await(id, begin);
        });
  }

  void Await(const std::string& id, Clock::time_point begin) {
    client::CallMethod<ws::GetWorkflowExecutionHistoryResponse>(
        client_, client::kWorkflowService, "GetWorkflowExecutionHistory", CloseRequest(id),
        {.timeout = 70s, .executor = nullptr},
        [self = shared_from_this(), id, begin](const Result<ws::GetWorkflowExecutionHistoryResponse>& page) {
          if (!page) return self->Leave(page.error().ToString());
          if (page->history().events_size() == 0) return self->Await(id, begin);
          const auto& event = page->history().events(page->history().events_size() - 1);
          if (event.event_type() != enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED) {
            return self->Leave(id + " ended with " + enums::EventType_Name(event.event_type()));
          }
          self->Completed(begin);
        });
  }

  void Completed(Clock::time_point begin) {
    if (measuring_) {
      const double took = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
      const std::lock_guard lock(mutex_);
      result_.latencies_ms.push_back(took);
    }
    if (stopping_) return Leave("");
    StartOne();
  }

  void Leave(const std::string& error) {
    const std::lock_guard lock(mutex_);
    if (!error.empty() && result_.first_error.empty()) result_.first_error = error;
    --callers_;
    idle_.notify_all();
  }

  client::ServiceClient& client_;
  const LoadOptions options_;
  const std::string prefix_ = UniquePrefix();
  std::atomic<int64_t> next_id_ = 0;
  std::atomic<bool> measuring_ = false;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable idle_;
  int callers_ = 0;    // guarded by mutex_
  LoadResult result_;  // guarded by mutex_
};

}  // namespace

double LoadResult::Percentile(double p) const {
  if (latencies_ms.empty()) return 0;
  const auto index = static_cast<size_t>(p * static_cast<double>(latencies_ms.size()));
  return latencies_ms[std::min(index, latencies_ms.size() - 1)];
}

LoadResult RunLoad(client::ServiceClient& client, const LoadOptions& options, const std::function<void()>& at_start,
                   const std::function<void()>& at_end) {
  return std::make_shared<Loop>(client, options)->Run(at_start, at_end);
}

Status StartMany(client::ServiceClient& client, const std::string& workflow_type, const std::string& input_json,
                 const std::string& prefix, int count, int callers) {
  struct Shared {
    std::mutex mutex;
    std::condition_variable done;
    int next = 0;
    int open = 0;
    std::string error;
  };
  auto shared = std::make_shared<Shared>();
  std::function<void()> start_next = [&, shared] {
    int index = 0;
    {
      const std::lock_guard lock(shared->mutex);
      if (shared->next >= count || !shared->error.empty()) return;
      index = shared->next++;
      ++shared->open;
    }
    client::CallMethod<ws::StartWorkflowExecutionResponse>(
        client, client::kWorkflowService, "StartWorkflowExecution",
        StartRequest(workflow_type, input_json, prefix + "-" + std::to_string(index)),
        {.timeout = 30s, .executor = nullptr},
        [&start_next, shared](const Result<ws::StartWorkflowExecutionResponse>& started) {
          {
            const std::lock_guard lock(shared->mutex);
            if (!started && shared->error.empty()) shared->error = started.error().ToString();
          }
          start_next();
          const std::lock_guard lock(shared->mutex);
          --shared->open;
          shared->done.notify_all();
        });
  };
  for (int i = 0; i < callers; ++i) start_next();
  std::unique_lock lock(shared->mutex);
  shared->done.wait(lock, [&] { return shared->open == 0 && (shared->next >= count || !shared->error.empty()); });
  if (!shared->error.empty()) return Internal(shared->error);
  return Ok();
}

Status AwaitClose(client::ServiceClient& client, const std::string& workflow_id, Duration timeout) {
  const Clock::time_point give_up = Clock::now() + timeout;
  while (Clock::now() < give_up) {
    const auto page = client::BlockingCall<ws::GetWorkflowExecutionHistoryResponse>(
        client, client::kWorkflowService, "GetWorkflowExecutionHistory", CloseRequest(workflow_id), 70s);
    if (!page) return page.error();
    if (page->history().events_size() > 0) return Ok();
  }
  return DeadlineExceeded(workflow_id + " did not end");
}

}  // namespace wfe::bench
