#include "workers/embedded/direct_client.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/base/serialize.h"
#include "engine/frontend/call_progress.h"
#include "engine/local/local_engine.h"
#include "workers/client/deadline_watch.h"
#include "workers/embedded/fork_count.h"

namespace wfe::embedded {

/// The calls without an answer, by the time when they are given up.
class DirectClient::Books {
 public:
  using Key = std::pair<Instant, uint64_t>;

  /// Fills `key`, which is the call's, before anybody can find the call.
  void Add(Instant deadline, std::shared_ptr<DirectCall> call, Key* key) {
    const std::lock_guard lock(mutex_);
    *key = {deadline, next_++};
    calls_.emplace(*key, std::move(call));
    ++undelivered_;
  }
  /// False: it was out of the books already, and its answer is somebody else's to deliver.
  bool Take(const Key& key) {
    std::shared_ptr<DirectCall> last;  // goes outside the lock
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(key);
    if (found == calls_.end()) return false;
    last = std::move(found->second);
    calls_.erase(found);
    return true;
  }
  void Delivered() {
    const std::lock_guard lock(mutex_);
    if (--undelivered_ == 0) all_delivered_.notify_all();
  }

  Instant Expire(Instant now);
  Instant NextExpiry() const {
    const std::lock_guard lock(mutex_);
    return calls_.empty() ? Instant::max() : calls_.begin()->first.first;
  }
  /// Ends every call and waits until those who made them know.
  void CancelAndWait();

  size_t size() const {
    const std::lock_guard lock(mutex_);
    return calls_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable all_delivered_;
  // Guarded by mutex_.
  uint64_t next_ = 1;
  size_t undelivered_ = 0;
  std::map<Key, std::shared_ptr<DirectCall>> calls_;
};

/// The engine's view of a call and its caller's.
class DirectClient::DirectCall final : public frontend::ServerCall, public client::CallHandle {
 public:
  DirectCall(std::shared_ptr<Books> books, std::string_view method, Instant deadline, Executor* executor,
             Executor& answers, Function<void(Result<std::string>)> done)
      : books_(std::move(books)),
        method_(method),
        deadline_(deadline),
        executor_(executor),
        answers_(answers),
        done_(std::move(done)) {}

  void Enter(const std::shared_ptr<DirectCall>& self) { books_->Add(deadline_, self, &key_); }

  // As the engine sees it.
  Instant Deadline() const override { return deadline_; }
  bool IsCancelled() const override { return progress_.IsCancelled(); }
  void OnCancel(Function<void()> callback) override { progress_.OnCancel(std::move(callback)); }
  void Reply(Result<std::string> response) override {
    progress_.Answered();
    if (books_->Take(key_)) Deliver(std::move(response));
  }

  // As its caller sees it.
  void Cancel() override { GiveUp(Cancelled("the caller has given the call up")); }
  void TimeIsOver() { GiveUp(DeadlineExceeded(method_ + " was not answered in time")); }
  void GiveUp(Error why) {
    if (!books_->Take(key_)) return;
    Deliver(std::move(why));
    progress_.Cancel();
  }

 private:
  void Deliver(Result<std::string> answer) {
    if (executor_ != nullptr) {
      executor_->Post([done = std::move(done_), answer = std::move(answer)]() mutable { done(std::move(answer)); });
      return books_->Delivered();
    }
    answers_.Post([books = books_, done = std::move(done_), answer = std::move(answer)]() mutable {
      done(std::move(answer));
      books->Delivered();
    });
  }

  const std::shared_ptr<Books> books_;
  const std::string method_;
  const Instant deadline_;
  Executor* const executor_;
  Executor& answers_;
  Function<void(Result<std::string>)> done_;  // whoever takes the call out of the books runs it
  Books::Key key_;
  frontend::CallProgress progress_;
};

namespace {

/// What has been answered already.
class NoCall final : public client::CallHandle {
 public:
  void Cancel() override {}
};

}  // namespace

Instant DirectClient::Books::Expire(Instant now) {
  std::vector<std::shared_ptr<DirectCall>> over;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = calls_.begin(); it != calls_.end() && it->first.first <= now; ++it) over.push_back(it->second);
  }
  for (const auto& call : over) call->TimeIsOver();
  return NextExpiry();
}

void DirectClient::Books::CancelAndWait() {
  std::vector<std::shared_ptr<DirectCall>> calls;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, call] : calls_) calls.push_back(call);
  }
  for (const auto& call : calls) call->Cancel();
  std::unique_lock lock(mutex_);
  all_delivered_.wait(lock, [this] { return undelivered_ == 0; });
}

class DirectClient::Watch final : public client::DeadlineWatch<Books> {
 public:
  using DeadlineWatch::DeadlineWatch;
};

DirectWay WayInto(local::LocalEngine& engine) {
  return {.dispatcher = engine.dispatcher(),
          .monotonic = engine.monotonic(),
          .timers = engine.timers(),
          .answers = engine.answers()};
}

DirectClient::DirectClient(DirectWay way)
    : way_(way),
      forks_(ForkCount()),
      books_(std::make_shared<Books>()),
      watch_(std::make_shared<Watch>(books_, way_.timers, way_.answers, way_.monotonic)) {}

DirectClient::~DirectClient() { books_->CancelAndWait(); }

std::shared_ptr<client::CallHandle> DirectClient::Call(std::string_view service, std::string_view method,
                                                       const google::protobuf::MessageLite& request,
                                                       const client::CallOptions& options,
                                                       Function<void(Result<std::string>)> done) {
  if (ForkCount() != forks_) {
    // The threads that would answer are not in this process.
    done(FailedPrecondition("the engine belongs to the process that opened it, not to its fork"));
    return std::make_shared<NoCall>();
  }
  auto call = std::make_shared<DirectCall>(books_, method, way_.monotonic.Now() + options.timeout, options.executor,
                                           way_.answers, std::move(done));
  call->Enter(call);
  watch_->Added();
  way_.dispatcher.Dispatch(service, method, Serialize(request), call);
  return call;
}

size_t DirectClient::calls_in_progress() const { return books_->size(); }

}  // namespace wfe::embedded
