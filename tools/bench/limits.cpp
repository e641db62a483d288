#include "tools/bench/limits.h"

#include <fcntl.h>
#include <rocksdb/db.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "engine/base/steady_clock.h"
#include "engine/host/grpc_server.h"
#include "tools/bench/clock.h"
#include "workers/client/blocking_call.h"
#include "workers/client/grpc_client.h"

namespace wfe::bench {
namespace {

namespace ws = temporal::api::workflowservice::v1;
using namespace std::chrono_literals;
constexpr auto kEach = 1s;

double Median(std::vector<double>& values) {
  if (values.empty()) return 0;
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

double MsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

Result<std::vector<double>> SyncTimes(const std::string& directory) {
  const std::string path = directory + "/sync-probe";
  const int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return Internal("cannot write " + path);
  const std::string block(4096, 'x');
  std::vector<double> times;
  const Clock::time_point end = Clock::now() + kEach;
  while (Clock::now() < end) {
    const Clock::time_point begin = Clock::now();
    if (write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size()) || fdatasync(fd) != 0) break;
    times.push_back(MsSince(begin));
  }
  close(fd);
  std::filesystem::remove(path);
  return times;
}

Result<int64_t> RocksBatches(const std::string& directory) {
  const std::string path = directory + "/rocks-probe";
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(options, path, &raw);
  if (!opened.ok()) return Internal(opened.ToString());
  int64_t batches = 0;
  {
    const std::unique_ptr<rocksdb::DB> db(raw);
    rocksdb::WriteOptions write;
    write.sync = true;
    const std::string row(400, 'x');
    const Clock::time_point end = Clock::now() + kEach;
    while (Clock::now() < end) {
      rocksdb::WriteBatch batch;
      batch.Put("a" + std::to_string(batches), row);
      batch.Put("b" + std::to_string(batches), row);
      if (!db->Write(write, &batch).ok()) return Internal("RocksDB refused a write");
      ++batches;
    }
  }
  std::filesystem::remove_all(path);
  return batches;
}

class Echo final : public frontend::Dispatcher {
 public:
  void Dispatch(std::string_view, std::string_view, std::string_view request,
                std::shared_ptr<frontend::ServerCall> call) override {
    call->Reply(std::string(request));
  }
};

/// Echo calls for a second; medians and counts.
struct EchoResult {
  int64_t calls = 0;
  std::vector<double> times_ms;
};

EchoResult EchoLoad(client::ServiceClient& client, int callers) {
  struct Shared {
    std::mutex mutex;
    std::condition_variable idle;
    EchoResult result;
    int open = 0;
    std::atomic<bool> stop = false;
  };
  auto shared = std::make_shared<Shared>();
  ws::StartWorkflowExecutionRequest request;
  request.set_workflow_id(std::string(300, 'x'));
  std::function<void()> next = [&] {
    const Clock::time_point begin = Clock::now();
    client.Call(client::kWorkflowService, "GetSystemInfo", request, {.timeout = 10s, .executor = nullptr},
                [&next, shared, begin](const Result<std::string>&) {
                  {
                    const std::lock_guard lock(shared->mutex);
                    shared->result.times_ms.push_back(MsSince(begin));
                    if (shared->stop) {
                      --shared->open;
                      shared->idle.notify_all();
                      return;
                    }
                  }
                  next();
                });
  };
  shared->open = callers;
  for (int i = 0; i < callers; ++i) next();
  std::unique_lock lock(shared->mutex);
  shared->idle.wait_for(lock, kEach, [] { return false; });
  shared->stop = true;
  shared->idle.wait(lock, [&] { return shared->open == 0; });
  shared->result.calls = static_cast<int64_t>(shared->result.times_ms.size());
  return std::move(shared->result);
}

}  // namespace

Result<Limits> MeasureLimits(const std::string& directory, std::vector<Figure>& figures) {
  Limits limits;
  WFE_ASSIGN_OR_RETURN(std::vector<double> syncs, SyncTimes(directory));
  limits.fdatasync_ms = Median(syncs);
  figures.push_back({.scenario = "limit",
                     .name = "fdatasync_p50",
                     .value = limits.fdatasync_ms,
                     .unit = "ms",
                     .samples = static_cast<int64_t>(syncs.size())});
  WFE_ASSIGN_OR_RETURN(const int64_t batches, RocksBatches(directory));
  limits.rocksdb_batches_per_s = static_cast<double>(batches) / std::chrono::duration<double>(kEach).count();
  figures.push_back({.scenario = "limit",
                     .name = "rocksdb_synced_batches",
                     .value = limits.rocksdb_batches_per_s,
                     .unit = "/s",
                     .samples = batches});
  Echo echo;
  host::GrpcServerOptions options;
  options.listen = "127.0.0.1:0";
  const SteadyClock clock;
  options.monotonic = &clock;
  options.services = {std::string(client::kWorkflowService)};
  WFE_ASSIGN_OR_RETURN(const auto server, host::GrpcServer::Start(options, echo));
  const auto client = client::NewGrpcClient({.address = server->address(), .ns = "default", .api_key = {}});
  EchoLoad(*client, 1);  // connects
  EchoResult alone = EchoLoad(*client, 1);
  EchoResult crowd = EchoLoad(*client, 128);
  limits.grpc_echo_ms = Median(alone.times_ms);
  limits.grpc_echo_per_s = static_cast<double>(crowd.calls) / std::chrono::duration<double>(kEach).count();
  figures.push_back({.scenario = "limit",
                     .concurrency = 1,
                     .name = "grpc_echo_p50",
                     .value = limits.grpc_echo_ms,
                     .unit = "ms",
                     .samples = alone.calls});
  figures.push_back({.scenario = "limit",
                     .concurrency = 128,
                     .name = "grpc_echo",
                     .value = limits.grpc_echo_per_s,
                     .unit = "/s",
                     .samples = crowd.calls});
  return limits;
}

}  // namespace wfe::bench
