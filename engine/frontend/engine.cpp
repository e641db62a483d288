#include "engine/frontend/engine.h"

#include "engine/frontend/method_table.h"
#include "engine/runtime/services.h"

namespace wfe::frontend {

struct Engine::Impl final : Dispatcher {
  Impl(EngineOptions options, EngineHost host, const Authorizer& authorizer)
      : services(std::move(options), std::move(host)), table(services, authorizer) {
    ServeSystem(table, services);
    ServeWorkflowControl(table, services);
    ServeWorkflowTasks(table, services);
    ServeTaskQueues(table, services);
    ServeActivityTasks(table, services);
    ServeHistoryReads(table, services);
    ServeQueries(table, services);
    ServeVisibility(table, services);
    ServeSchedules(table, services);
    ServeRecords(table, services);
    ServeOperator(table, services);
  }

  void Dispatch(std::string_view service, std::string_view method, std::string_view request,
                std::shared_ptr<ServerCall> transport) override {
    const MethodTable::Entry* entry = table.Find(service, method);
    Call call(std::move(transport), entry ? entry->method : table.unserved());
    if (!entry) return call.Fail(Unimplemented(std::string(method) + " is not served by wfe"));
    if (services.stopping.load()) return call.Fail(Unavailable("the server is shutting down"));
    if (static_cast<int64_t>(request.size()) > services.options.max_message_bytes) {  // S57
      // Word for word what Temporal's server says: SDKs tell by it what can never be accepted from a passing overload,
      // and fail the task with GRPC_MESSAGE_TOO_LARGE instead of sending it again (WIRE-F10).
      return call.Fail(ResourceExhausted("grpc: received message larger than max (" + std::to_string(request.size()) +
                                         " vs. " + std::to_string(services.options.max_message_bytes) + ")"));
    }
    entry->run(entry->shape, request, std::move(call));
  }

  Services services;
  MethodTable table;
};

Engine::Engine(EngineOptions options, EngineHost host, const Authorizer* authorizer)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(host), authorizer ? *authorizer : AllowAll())) {}
Engine::~Engine() = default;
Status Engine::Start() { return impl_->services.Recover(); }
void Engine::Stop(Function<void()> done) { impl_->services.Stop(std::move(done)); }
Dispatcher& Engine::dispatcher() { return *impl_; }
void Engine::CheckDerived(Function<void(Result<DerivedReport>)> done) { impl_->services.CheckDerived(std::move(done)); }

}  // namespace wfe::frontend
