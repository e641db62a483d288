#include <mutex>

#include "engine/base/metrics.h"
#include "engine/local/local_engine.h"
#include "tools/http/openapi.h"
#include "tools/http/server.h"
#include "tools/site/answers.h"
#include "tools/site/site_context.h"
#include "tools/site/start_site.h"
#include "workers/embedded/direct_client.h"

namespace wfe::site {
namespace {

/// Two OpenMetrics texts as one: only the last line of the whole is its end.
std::string JoinMetrics(std::string first, const std::string& second) {
  constexpr std::string_view kEnd = "# EOF\n";
  if (first.ends_with(kEnd)) first.resize(first.size() - kEnd.size());
  return first + second;
}

class RunningSite final : public cli::Site {
 public:
  RunningSite(local::LocalEngine& engine, const cli::SiteOptions& options)
      : engine_(engine),
        config_(options.config),
        client_(embedded::WayInto(engine)),
        records_(client_, std::chrono::seconds(10)),
        context_{.client = client_, .records = records_, .config = config_, .ns = options.ns, .kept = kept_},
        router_(options.config.http.token),
        started_(FormatIso8601Millis(SystemClock().Now())) {
    nlohmann::json schemas = nlohmann::json::object();
    AddSelf(schemas);
    AddRuns(router_, context_, schemas);
    AddRunPages(router_, context_);
    AddFigures(router_, context_, schemas);
    AddReports(router_, context_, schemas);
    AddPatterns(router_, context_, schemas);
    AddChanges(router_, context_, schemas);
    document_ = http::OpenApiDocument(router_, "wfe", WFE_VERSION, schemas).dump() + "\n";
  }

  Status Start(const cli::SiteOptions& options) {
    const cli::HttpConfig& http = options.config.http;
    http::ServerOptions server;
    server.listen = http.listen;
    server.insecure = options.insecure;
    server.hosts = http.hosts;
    server.max_connections = http.max_connections;
    server.max_body_bytes = http.max_body_bytes;
    server.request_timeout = std::chrono::seconds(http.request_timeout_s);
    server.idle_timeout = std::chrono::seconds(http.idle_timeout_s);
    server.metrics = &metrics_;
    server.log = options.log;
    WFE_ASSIGN_OR_RETURN(
        server_, http::Server::Start(server, [this](const http::Request& request) { return router_.Handle(request); }));
    return Ok();
  }

  const std::string& address() const override { return server_->address(); }

 private:
  void AddSelf(nlohmann::json& schemas) {
    http::Operation health = ReadOperation("/health", "getHealth", "Whether the server is there", SchemaRef("Health"));
    health.handle = [this](const http::Request&) {
      return JsonAnswer({{"status", "serving"}, {"version", WFE_VERSION}, {"started_at", started_}});
    };
    router_.Add(std::move(health));
    http::Operation metrics =
        ReadOperation("/metrics", "getMetrics", "What the server counts, as OpenMetrics text", {{"type", "string"}});
    metrics.media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    metrics.handle = [this, type = metrics.media_type](const http::Request&) {
      return http::Response{
          .content_type = type, .body = JoinMetrics(engine_.MetricsText(), metrics_.Text()), .headers = {}};
    };
    router_.Add(std::move(metrics));
    http::Operation document = ReadOperation("/api/openapi.json", "getOpenApi", "This document", {{"type", "object"}});
    document.handle = [this](const http::Request&) { return http::Response{.body = document_, .headers = {}}; };
    router_.Add(std::move(document));
    const nlohmann::json text = {{"type", "string"}};
    schemas["Health"] = {{"type", "object"},
                         {"required", {"status", "version", "started_at"}},
                         {"properties", {{"status", text}, {"version", text}, {"started_at", text}}}};
  }

  local::LocalEngine& engine_;
  const cli::Config config_;
  MetricsRegistry metrics_;
  embedded::DirectClient client_;
  client::RecordsClient records_;
  Kept kept_;
  const SiteContext context_;
  http::Router router_;
  const std::string started_;
  std::string document_;
  std::unique_ptr<http::Server> server_;  // goes first: it calls all of the above
};

}  // namespace

Result<std::unique_ptr<cli::Site>> StartSite(local::LocalEngine& engine, const cli::SiteOptions& options) {
  auto site = std::make_unique<RunningSite>(engine, options);
  WFE_RETURN_IF_ERROR(site->Start(options));
  return std::unique_ptr<cli::Site>(std::move(site));
}

}  // namespace wfe::site
