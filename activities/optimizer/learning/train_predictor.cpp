// Training of a Predictor, with what it must show before it is used (LN-3).
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <tuple>

#include "activities/optimizer/learning/predictor.h"
#include "activities/statistics/statistics.h"

namespace wfe::optimizer {
namespace {

constexpr double kHeldOutShare = 0.4;
constexpr size_t kBlocks = 4;
/// Two-sided; one side of it is a chance of 1 in 200 to take trees that know nothing.
constexpr double kUseConfidence = 0.99;
/// An answer is close when it is no further from the truth than this part of it.
constexpr double kClose = 0.25;

std::string Shown(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

/// The examples of one target, in the order of time.
struct TargetData {
  FeatureRows rows;
  std::vector<double> values;
  bool probability = false;

  size_t size() const { return values.size(); }
};

TargetData DataOf(std::string_view target, const std::vector<TrainingExample>& examples) {
  TargetData data{.probability = target == kSuccessTarget};
  for (const TrainingExample& example : examples) {
    std::optional<double> value = example.success ? 1.0 : 0.0;
    if (target == kDurationTarget) value = example.duration_s;
    if (target == kCostTarget) value = example.cost_usd;
    if (!value || !std::isfinite(*value) || *value < 0) continue;
    data.values.push_back(*value);
    data.rows.push_back(FeaturesFrom(example.features));
  }
  return data;
}

double MeanOf(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

/// What the trees learn: of times and costs the logarithm, since a factor matters there and a few long runs would be
/// all that squared errors see.
std::vector<double> LabelsOf(const TargetData& data, double floor) {
  std::vector<double> labels = data.values;
  if (data.probability) return labels;
  for (double& label : labels) label = std::log(label + floor);
  return labels;
}

BoostedTrees::Kind KindOf(const TargetData& data) {
  return data.probability ? BoostedTrees::Kind::kProbability : BoostedTrees::Kind::kRegression;
}

/// What the mean of all values before would have said, from `first` on.
std::vector<double> MeansBefore(const std::vector<double>& values, size_t first) {
  std::vector<double> means;
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i >= first) means.push_back(sum / static_cast<double>(i));
    sum += values[i];
  }
  return means;
}

double ErrorOf(bool probability, const std::vector<double>& said, const double* came) {
  double sum = 0;
  for (size_t i = 0; i < said.size(); ++i) {
    const double distance = std::abs(said[i] - came[i]);
    sum += probability ? distance * distance : distance;
  }
  return sum / static_cast<double>(said.size());
}

double CloseShareOf(bool probability, const std::vector<double>& said, const double* came) {
  double sum = 0;
  for (size_t i = 0; i < said.size(); ++i) {
    const double distance = std::abs(said[i] - came[i]);
    sum += probability ? 1 - distance : (distance <= kClose * std::abs(came[i]) ? 1 : 0);
  }
  return sum / static_cast<double>(said.size());
}

/// The trees are better in what they were trained for: paired squared errors, beyond chance.
bool BetterBeyondChance(const std::vector<double>& trees, const std::vector<double>& means, const double* labels) {
  std::vector<double> gains;
  for (size_t i = 0; i < trees.size(); ++i) {
    const double by_mean = means[i] - labels[i];
    const double by_trees = trees[i] - labels[i];
    gains.push_back(by_mean * by_mean - by_trees * by_trees);
  }
  const auto interval = stats::MeanInterval(stats::Describe(gains), kUseConfidence);
  return interval && interval->lo > 0;
}

/// What would be answered on the runs held out, and the factor that makes it so.  The factor is taken from those runs,
/// since the trees know the others; for each of them from the rest of them, or an answer would know its own truth.
std::vector<double> OutOfLogs(const std::vector<double>& learned, const double* labels, TargetModel& model) {
  const auto count = static_cast<double>(learned.size());
  double sum = 0;
  for (size_t i = 0; i < learned.size(); ++i) sum += std::exp(labels[i] - learned[i]);
  model.smear = sum / count;
  std::vector<double> said;
  for (size_t i = 0; i < learned.size(); ++i) {
    const double smear = (sum - std::exp(labels[i] - learned[i])) / (count - 1);
    said.push_back(std::max(0.0, std::exp(learned[i]) * smear - model.floor));
  }
  return said;
}

/// What trees say of the runs from `first` on that they have not seen: in blocks, each by trees of all runs before it.
Result<std::vector<double>> SaidOfLater(const TargetData& data, const std::vector<double>& labels, size_t first,
                                        const TreeSettings& settings) {
  std::vector<double> said;
  const size_t held_out = data.size() - first;
  for (size_t block = 0; block < kBlocks; ++block) {
    const auto begin = static_cast<std::ptrdiff_t>(first + held_out * block / kBlocks);
    const auto end = static_cast<std::ptrdiff_t>(first + held_out * (block + 1) / kBlocks);
    const FeatureRows before(data.rows.begin(), data.rows.begin() + begin);
    const std::vector<double> labels_before(labels.begin(), labels.begin() + begin);
    WFE_ASSIGN_OR_RETURN(const BoostedTrees trees, BoostedTrees::Train(KindOf(data), before, labels_before, settings));
    WFE_ASSIGN_OR_RETURN(const std::vector<double> values,
                         trees.Predict(FeatureRows(data.rows.begin() + begin, data.rows.begin() + end)));
    said.insert(said.end(), values.begin(), values.end());
  }
  return said;
}

/// Also in the later half of what was held out, or the trees were better once and are no more.
bool IsStillBetter(bool probability, const std::vector<double>& said, const std::vector<double>& means,
                   const double* came) {
  const auto half = static_cast<std::ptrdiff_t>(said.size() / 2);
  const double* later = came + half;
  return ErrorOf(probability, std::vector<double>(said.begin() + half, said.end()), later) <
         ErrorOf(probability, std::vector<double>(means.begin() + half, means.end()), later);
}

/// Tries trees on the runs that are held out, and fills in what came of it.
Status TryTrees(const TargetData& data, const TreeSettings& settings, TargetModel& model) {
  const auto held_out = static_cast<size_t>(kHeldOutShare * static_cast<double>(data.size()));
  const size_t first = data.size() - held_out;
  const std::vector<double> labels = LabelsOf(data, model.floor);
  WFE_ASSIGN_OR_RETURN(const std::vector<double> learned, SaidOfLater(data, labels, first, settings));
  const double* came = data.values.data() + first;
  const double* labels_late = labels.data() + first;
  std::vector<double> said = learned;
  if (!data.probability) said = OutOfLogs(learned, labels_late, model);
  const std::vector<double> means = MeansBefore(data.values, first);
  model.held_out = static_cast<int64_t>(held_out);
  model.error = ErrorOf(data.probability, said, came);
  model.baseline_error = ErrorOf(data.probability, means, came);
  const bool better = model.error < model.baseline_error;
  const bool still_better = better && IsStillBetter(data.probability, said, means, came);
  model.used = still_better && BetterBeyondChance(learned, MeansBefore(labels, first), labels_late);
  model.close_share = CloseShareOf(data.probability, model.used ? said : means, came);
  const std::string figures = Shown(model.error) + " on the last " + std::to_string(held_out) +
                              " runs, and the mean of the past has " + Shown(model.baseline_error);
  if (model.used) {
    model.reason = "the model has an error of " + figures;
  } else if (still_better) {
    model.reason = "the model has an error of " + figures + ", which may be chance";
  } else if (better) {
    model.reason = "the model has an error of " + figures + ", and was no better on the later half of them";
  } else {
    model.reason = "the model is no better: it has an error of " + figures;
  }
  return Ok();
}

Result<std::optional<BoostedTrees>> LearnTarget(const TargetData& data, const TreeSettings& settings,
                                                TargetModel& model) {
  model.examples = static_cast<int64_t>(data.size());
  model.mean = MeanOf(data.values);
  if (model.examples < kMinExamples) {
    model.reason = "only " + std::to_string(model.examples) + " runs say what it was";
    return std::optional<BoostedTrees>();
  }
  const auto [lo, hi] = std::ranges::minmax(data.values);
  if (lo == hi) {
    model.close_share = 1;
    model.reason = "it was " + Shown(lo) + " in all " + std::to_string(model.examples) + " runs";
    return std::optional<BoostedTrees>();
  }
  // A hundredth of the mean: below it, two values are as good as equal, and 0 has a logarithm.
  if (!data.probability) model.floor = model.mean / 100;
  WFE_RETURN_IF_ERROR(TryTrees(data, settings, model));
  if (!model.used) return std::optional<BoostedTrees>();
  WFE_ASSIGN_OR_RETURN(
      BoostedTrees trees,
      BoostedTrees::Train(KindOf(data), data.rows, LabelsOf(data, model.floor), settings));
  return std::optional(std::move(trees));
}

std::map<std::string, FeatureRange> RangesOf(const std::vector<TrainingExample>& examples) {
  std::map<std::string, FeatureRange> ranges;
  for (const std::string_view name : FeatureNames()) ranges.emplace(name, FeatureRange());
  for (const TrainingExample& example : examples) {
    for (const auto& [name, value] : example.features) {
      const auto found = ranges.find(name);
      if (found == ranges.end() || !std::isfinite(value)) continue;
      FeatureRange& range = found->second;
      range.lo = range.known == 0 ? value : std::min(range.lo, value);
      range.hi = range.known == 0 ? value : std::max(range.hi, value);
      ++range.known;
    }
  }
  return ranges;
}

}  // namespace

Result<Predictor> TrainOn(const std::string& workflow_id, std::vector<TrainingExample> examples, Instant now,
                          const TreeSettings& settings) {
  const size_t all = examples.size();
  std::erase_if(examples, [](const TrainingExample& e) { return e.feature_version != kFeatureVersion; });
  PredictorRecord record{.workflow_id = workflow_id,
                         .feature_version = kFeatureVersion,
                         .left_out = static_cast<int64_t>(all - examples.size()),
                         .seen = static_cast<int64_t>(all),
                         .trained_at = FormatIso8601Millis(now),
                         .settings = settings};
  if (static_cast<int64_t>(examples.size()) < kMinExamples) {
    std::string sentence = "workflow " + workflow_id + " has " + std::to_string(examples.size()) +
                           " examples, and a prediction needs " + std::to_string(kMinExamples);
    if (record.left_out > 0) {
      sentence += " (" + std::to_string(record.left_out) + " more are of another version of the features)";
    }
    return FailedPrecondition(sentence);
  }
  std::ranges::sort(examples, {}, [](const TrainingExample& e) { return std::tie(e.at, e.workflow_run_id); });
  if (examples.size() > kMaxExamples) {
    examples.erase(examples.begin(), examples.end() - static_cast<std::ptrdiff_t>(kMaxExamples));
  }
  record.examples = static_cast<int64_t>(examples.size());
  record.from = examples.front().at;
  record.to = examples.back().at;
  record.ranges = RangesOf(examples);
  std::map<std::string, BoostedTrees, std::less<>> trees;
  for (const std::string_view target : {kDurationTarget, kCostTarget, kSuccessTarget}) {
    TargetModel model{.target = std::string(target)};
    WFE_ASSIGN_OR_RETURN(std::optional<BoostedTrees> learned,
                         LearnTarget(DataOf(target, examples), settings, model));
    if (learned) trees.emplace(target, *std::move(learned));
    record.targets.push_back(std::move(model));
  }
  return Predictor(std::move(record), std::move(trees));
}

}  // namespace wfe::optimizer
