// What those who answer share.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "tools/http/router.h"
#include "tools/site/kept.h"
#include "tools/wfe/config.h"
#include "workers/client/blocking_call.h"
#include "workers/client/records_client.h"

namespace wfe::site {

namespace ws = temporal::api::workflowservice::v1;

/// Everything outlives the router.  Thread-safe, as its parts are.
struct SiteContext {
  client::ServiceClient& client;
  client::RecordsClient& records;
  const cli::Config& config;
  const std::string ns;
  Kept& kept;

  /// A call of Temporal's service; blocks.
  template <class Answer>
  Result<Answer> Call(std::string_view method, const google::protobuf::MessageLite& request) const {
    return client::BlockingCall<Answer>(client, client::kWorkflowService, method, request, std::chrono::seconds(10));
  }
};

// Each adds its operations, and to `schemas` what they answer.
void AddFigures(http::Router& router, const SiteContext& context, nlohmann::json& schemas);
void AddRuns(http::Router& router, const SiteContext& context, nlohmann::json& schemas);
void AddRunPages(http::Router& router, const SiteContext& context);
void AddChanges(http::Router& router, const SiteContext& context, nlohmann::json& schemas);
void AddReports(http::Router& router, const SiteContext& context, nlohmann::json& schemas);
void AddPatterns(http::Router& router, const SiteContext& context, nlohmann::json& schemas);

}  // namespace wfe::site
