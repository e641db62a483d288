#include "activities/learning/cycle/deploy.h"

#include "activities/prompts/drafts.h"

namespace wfe::learning {
namespace {

/// Templates of generations begin with it.
constexpr std::string_view kGenerationTemplates = "generation-";

/// A version that is tried again, after an experiment without an answer, is tried in a new one.  Counted in the
/// template's history, so that two optimizers name the same.
std::string ExperimentId(const prompts::TemplateState& state, int version) {
  int tried = 1;
  for (const prompts::TemplateEvent& event : state.events) {
    if (event.version == version && event.kind == prompts::kTemplateUntried) ++tried;
  }
  return state.template_id + "-v" + std::to_string(version) + "-" + std::to_string(tried);
}

}  // namespace

std::string SubjectOf(const std::string& template_id) { return "template:" + template_id; }

std::vector<ExperimentMetric> MetricsOf(const std::string& template_id) {
  const std::string mean(kMeanMetric);
  const ExperimentMetric success{
      .name = "success", .kind = std::string(kShareMetric), .higher_is_better = true, .tolerated_loss = 0.05};
  if (template_id.starts_with(kGenerationTemplates)) {
    return {{.name = "quality", .kind = mean, .higher_is_better = true, .tolerated_loss = 0}, success};
  }
  return {success,
          {.name = "duration_ms", .kind = mean, .higher_is_better = false, .tolerated_loss = 0},
          {.name = "cost_usd", .kind = mean, .higher_is_better = false, .tolerated_loss = 0}};
}

Result<Deployment> Deploy(prompts::TemplateStore& store, ExperimentStore& experiments, const std::string& template_id,
                          int version, int base_version, const std::string& author, const std::string& reason,
                          const CycleOptions& options, Instant now, RowProblems& problems) {
  Deployment deployment{.template_id = template_id, .version = version, .previous_version = base_version};
  WFE_ASSIGN_OR_RETURN(const prompts::TemplateState state, store.State(template_id));
  const bool done = options.auto_apply && state.active == version;  // by an attempt before this, or by another
  if (state.active != base_version && !done) {
    deployment.note = "version " + std::to_string(state.active) + " is active now; version " + std::to_string(version) +
                      " was made from version " + std::to_string(base_version);
    return deployment;
  }
  WFE_ASSIGN_OR_RETURN(const std::optional<Experiment> running,
                       experiments.RunningOn(SubjectOf(template_id), problems));
  if (running && running->variant != std::to_string(version)) {
    deployment.note = "experiment " + running->experiment_id + " runs; one change at a time";
    return deployment;
  }
  if (options.auto_apply) {
    WFE_RETURN_IF_ERROR(store.Activate(template_id, version, author, reason, base_version));
    deployment.mode = kDeployedActive;
    return deployment;
  }
  Experiment experiment;
  experiment.experiment_id = ExperimentId(state, version);
  experiment.subject = SubjectOf(template_id);
  experiment.control = std::to_string(base_version);
  experiment.variant = std::to_string(version);
  experiment.metrics = MetricsOf(template_id);
  experiment.variant_share = options.variant_share;
  experiment.min_samples = options.min_samples;
  experiment.max_hours = options.max_hours;
  experiment.alpha = options.alpha;
  experiment.started_at = FormatIso8601Millis(now);
  experiment.author = author;
  experiment.reason = reason;
  // The mark first: a run that gets the arm must find a version that is meant to be used.
  WFE_RETURN_IF_ERROR(store.Mark(prompts::kTemplateTried, template_id, version, author,
                                 reason + "; experiment " + experiment.experiment_id));
  WFE_RETURN_IF_ERROR(experiments.Start(experiment));
  deployment.mode = kDeployedExperiment;
  deployment.experiment_id = experiment.experiment_id;
  return deployment;
}

}  // namespace wfe::learning
