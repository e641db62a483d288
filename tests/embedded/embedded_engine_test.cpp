// A program with the engine inside: what it can ask, what survives its end, and whom the directory belongs to.
#include "workers/embedded/engine.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "workers/sdk/workflow.h"

namespace wfe::embedded {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using worker::IfStarted;
using worker::WorkflowOutcome;

constexpr sdk::ActivityType<int, int> kDouble{"double"};
constexpr sdk::ActivityType<std::string, int> kRefuse{"refuse"};

sdk::Task<int> Twice(sdk::WorkflowContext& ctx, int value) {
  const int doubled = co_await ctx.Activity(kDouble, value, {.start_to_close = 30s});
  co_return doubled;
}

sdk::Task<int> Refused(sdk::WorkflowContext& ctx, std::string why) {
  co_await ctx.Activity(kRefuse, why, {.start_to_close = 30s});
  co_return 0;
}

/// Adds what signals bring until one brings zero.
sdk::Task<int> Sum(sdk::WorkflowContext& ctx) {
  const auto sum = std::make_shared<int>(0);
  ctx.OnQuery<std::string, int>("sum", sum, [](const int& now, const std::string&) { return now; });
  sdk::SignalChannel<int> more = ctx.Signals<int>("add");
  while (true) {
    const int value = co_await more.Receive();
    if (value == 0) co_return *sum;
    *sum += value;
  }
}

class EmbeddedEngine : public testing::Test {
 protected:
  EmbeddedEngine() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wfe-embedded-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    workflows_.Register("Twice", &Twice);
    workflows_.Register("Refused", &Refused);
    workflows_.Register("Sum", &Sum);
    activities_.Register(kDouble, [this](sdk::ActivityContext&, const int& value) {
      ++doubled_;
      return sdk::ActivityResult<int>(2 * value);
    });
    activities_.Register(kRefuse, [](sdk::ActivityContext&, const std::string& why) -> sdk::ActivityResult<int> {
      return sdk::ApplicationFailure{.message = why, .type = "REFUSED", .non_retryable = true};
    });
    Open();
  }
  ~EmbeddedEngine() override {
    engine_.reset();
    std::filesystem::remove_all(directory_);
  }

  Options At() const {
    return {.data_dir = directory_ + "/data", .log = [](std::string_view) {}};
  }
  void Open() { engine_ = Engine::Open(At()).value(); }
  Status Serve() { return engine_->Serve(workflows_, activities_, {.task_queue = "q"}); }
  worker::WorkflowClient& client() { return engine_->client(); }

  /// Exit code of a forked child that does `work`.
  int InAChild(const std::function<int()>& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string directory_;
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  std::atomic<int> doubled_ = 0;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EmbeddedEngine, RunsAWorkflowAndTellsItsResult) {
  ASSERT_TRUE(Serve());
  const auto run = client().Start("Twice", 21, {.task_queue = "q"});
  ASSERT_TRUE(run) << run.error().ToString();
  EXPECT_THAT(run->workflow_id, testing::StartsWith("Twice-"));
  EXPECT_EQ(client().Await<int>(*run).value(), 42);
  const auto text = client().Await<std::string>(*run);
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("is not what was expected"));
}

TEST_F(EmbeddedEngine, SignalsQueriesAndWaitsOnlyAsLongAsItIsTold) {
  ASSERT_TRUE(Serve());
  const auto run = client().StartJson("Sum", nullptr, {.workflow_id = "sum", .task_queue = "q"}).value();
  ASSERT_TRUE(client().Signal(run, "add", 3));
  ASSERT_TRUE(client().Signal(run, "add", 4));
  EXPECT_EQ((client().Query<int>(run, "sum", "")).value(), 7);
  const auto early = client().Await<int>(run, 50ms);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, StatusCode::kDeadlineExceeded);
  ASSERT_TRUE(client().Signal(run, "add", 0));
  EXPECT_EQ(client().Await<int>(run).value(), 7);
}

TEST_F(EmbeddedEngine, SaysHowAWorkflowEndedThatDidNotComplete) {
  ASSERT_TRUE(Serve());
  const auto refused = client().Start("Refused", std::string("not today"), {.task_queue = "q"}).value();
  const auto failed = client().AwaitOutcome(refused).value();
  EXPECT_EQ(failed.status, WorkflowOutcome::Status::kFailed);
  EXPECT_THAT(client().Await<int>(refused).error().message, HasSubstr("failed: "));

  const auto cancelled = client().StartJson("Sum", nullptr, {.task_queue = "q"}).value();
  ASSERT_TRUE(client().Cancel(cancelled));
  EXPECT_EQ(client().AwaitOutcome(cancelled).value().status, WorkflowOutcome::Status::kCancelled);

  const auto terminated = client().StartJson("Sum", nullptr, {.task_queue = "q"}).value();
  ASSERT_TRUE(client().Terminate(terminated, "no more"));
  EXPECT_THAT(client().Await<int>(terminated).error().message, HasSubstr("was terminated: no more"));
}

TEST_F(EmbeddedEngine, GoesOnWhereItWasClosedAndFindsItsWorkAgain) {
  const worker::StartOptions once{.workflow_id = "twice", .task_queue = "q", .if_started = IfStarted::kFindIt};
  const auto first = client().Start("Twice", 4, once).value();  // nobody serves it yet
  engine_->Close();
  Open();
  ASSERT_TRUE(Serve());
  const auto again = client().Start("Twice", 4, once).value();
  EXPECT_EQ(again.run_id, first.run_id);
  EXPECT_EQ(client().Await<int>(again).value(), 8);
  EXPECT_EQ(client().Start("Twice", 4, once).value().run_id, first.run_id) << "one that has ended is found, too";
  EXPECT_EQ(doubled_, 1);
  const auto refused = client().StartJson("Sum", nullptr, {.workflow_id = "sum", .task_queue = "q"}).value();
  const auto twice = client().StartJson("Sum", nullptr, {.workflow_id = "sum", .task_queue = "q"});
  EXPECT_EQ(twice.error().code, StatusCode::kAlreadyExists);
  ASSERT_TRUE(client().Terminate(refused, ""));
}

TEST_F(EmbeddedEngine, BelongsToOneOpenerAtATime) {
  const auto second = Engine::Open(At());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr(directory_ + "/data"));
  engine_.reset();
  // Another process has it.
  int to_child[2], to_parent[2];
  ASSERT_EQ(::pipe(to_child), 0);
  ASSERT_EQ(::pipe(to_parent), 0);
  const pid_t other = ::fork();
  if (other == 0) {
    const auto theirs = Engine::Open(At());
    char byte = theirs ? 'y' : 'n';
    if (::write(to_parent[1], &byte, 1) != 1 || ::read(to_child[0], &byte, 1) != 1) ::_exit(2);
    ::_exit(0);  // as if it had been killed
  }
  char opened = 0;
  ASSERT_EQ(::read(to_parent[0], &opened, 1), 1);
  EXPECT_EQ(opened, 'y');
  EXPECT_FALSE(Engine::Open(At()));
  ASSERT_EQ(::write(to_child[1], "x", 1), 1);
  ::waitpid(other, nullptr, 0);
  EXPECT_TRUE(Engine::Open(At())) << "a process that is gone keeps nobody out";
  for (const int fd : {to_child[0], to_child[1], to_parent[0], to_parent[1]}) ::close(fd);
}

TEST_F(EmbeddedEngine, IsNotTheForksOfItsProcess) {
  ASSERT_TRUE(Serve());
  EXPECT_EQ(InAChild([this] {
              const auto run = client().Start("Twice", 1, {.task_queue = "q"});
              if (run || run.error().code != StatusCode::kFailedPrecondition) return 1;
              if (Serve()) return 2;
              engine_->Close();  // leaves everything alone, and returns
              return 0;
            }),
            0);
  // The process itself goes on as if nothing had been.
  const auto run = client().Start("Twice", 5, {.task_queue = "q"}).value();
  EXPECT_EQ(client().Await<int>(run).value(), 10);
}

TEST_F(EmbeddedEngine, SaysWhatIsMissing) {
  EXPECT_THAT(engine_->Serve(workflows_, activities_, {}).error().message, HasSubstr("needs a task queue"));
  EXPECT_THAT(engine_->Serve({}, {}, {.task_queue = "q"}).error().message, HasSubstr("nothing to serve"));
  EXPECT_EQ(client().Start("Twice", 1, {}).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(client().AwaitOutcome({.workflow_id = "nobody", .run_id = ""}).error().code, StatusCode::kNotFound);
  engine_->Close();
  EXPECT_EQ(Serve().error().code, StatusCode::kFailedPrecondition);
  EXPECT_FALSE(Engine::Open({.data_dir = "/proc/nowhere", .log = {}}));
}

}  // namespace
}  // namespace wfe::embedded
