#include "activities/optimizer/learning/boosted_trees.h"

#include <xgboost/c_api.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace wfe::optimizer {

struct BoostedTrees::Booster {
  Booster() = default;
  Booster(const Booster&) = delete;
  Booster& operator=(const Booster&) = delete;
  ~Booster() {
    if (handle != nullptr) XGBoosterFree(handle);
  }
  BoosterHandle handle = nullptr;
};

namespace {

/// What the library says of its last failure; its text goes on with a stack trace.
Error OfLibrary(StatusCode code, std::string_view what) {
  const std::string_view said = XGBGetLastError();
  return {code, std::string(what) + ": " + std::string(said.substr(0, said.find('\n'))), {}};
}

class TreeMatrix {
 public:
  TreeMatrix() = default;
  TreeMatrix(TreeMatrix&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  TreeMatrix& operator=(TreeMatrix&&) = delete;
  ~TreeMatrix() {
    if (handle_ != nullptr) XGDMatrixFree(handle_);
  }

  static Result<TreeMatrix> Of(const FeatureRows& rows) {
    if (rows.empty() || rows.front().empty()) return InvalidArgument("there are no rows of features");
    const size_t columns = rows.front().size();
    std::vector<float> values;
    values.reserve(rows.size() * columns);
    for (const std::vector<double>& row : rows) {
      if (row.size() != columns) return InvalidArgument("rows of features have different lengths");
      for (const double value : row) values.push_back(AsFloat(value));
    }
    TreeMatrix matrix;
    if (XGDMatrixCreateFromMat(values.data(), rows.size(), columns, std::numeric_limits<float>::quiet_NaN(),
                               &matrix.handle_) != 0) {
      return OfLibrary(StatusCode::kInternal, "features cannot be given to XGBoost");
    }
    return matrix;
  }

  DMatrixHandle handle() const { return handle_; }

 private:
  /// The library refuses infinite values; one that is too large for a float is as good as the largest.
  static float AsFloat(double value) {
    if (!std::isfinite(value)) return std::numeric_limits<float>::quiet_NaN();
    constexpr double kMost = std::numeric_limits<float>::max();
    return static_cast<float>(std::clamp(value, -kMost, kMost));
  }

  DMatrixHandle handle_ = nullptr;
};

Status CheckLabels(BoostedTrees::Kind kind, const std::vector<double>& labels, size_t rows) {
  if (labels.size() != rows) return InvalidArgument("there must be one label for each row of features");
  for (const double label : labels) {
    if (!std::isfinite(label)) return InvalidArgument("a label is not a finite number");
    if (kind == BoostedTrees::Kind::kProbability && label != 0 && label != 1) {
      return InvalidArgument("a label of a probability is neither 0 nor 1");
    }
  }
  return Ok();
}

}  // namespace

Result<BoostedTrees> BoostedTrees::Train(Kind kind, const FeatureRows& rows, const std::vector<double>& labels,
                                         const TreeSettings& settings) {
  WFE_RETURN_IF_ERROR(CheckLabels(kind, labels, rows.size()));
  WFE_ASSIGN_OR_RETURN(const TreeMatrix matrix, TreeMatrix::Of(rows));
  const std::vector<float> targets(labels.begin(), labels.end());
  double mean = 0;
  for (const double label : labels) mean += label / static_cast<double>(labels.size());
  const bool logistic = kind == Kind::kProbability;
  if (logistic) mean = std::clamp(mean, 0.001, 0.999);
  auto booster = std::make_shared<Booster>();
  const DMatrixHandle of[] = {matrix.handle()};
  const auto set = [&](const char* name, const std::string& value) {
    return XGBoosterSetParam(booster->handle, name, value.c_str()) == 0;
  };
  const bool ready = XGDMatrixSetFloatInfo(matrix.handle(), "label", targets.data(), targets.size()) == 0 &&
                     XGBoosterCreate(of, 1, &booster->handle) == 0 && set("verbosity", "0") && set("nthread", "1") &&
                     set("tree_method", "exact") && set("seed", std::to_string(settings.seed)) &&
                     set("max_depth", std::to_string(settings.depth)) &&
                     set("eta", std::to_string(settings.learning_rate)) &&
                     set("min_child_weight", std::to_string(settings.min_child)) &&
                     set("base_score", std::to_string(mean)) &&
                     set("objective", logistic ? "binary:logistic" : "reg:squarederror");
  if (!ready) return OfLibrary(StatusCode::kInternal, "XGBoost cannot be set up");
  for (int64_t i = 0; i < settings.trees; ++i) {
    if (XGBoosterUpdateOneIter(booster->handle, static_cast<int>(i), matrix.handle()) != 0) {
      return OfLibrary(StatusCode::kInternal, "XGBoost cannot train");
    }
  }
  return BoostedTrees(std::move(booster));
}

Result<BoostedTrees> BoostedTrees::Load(std::string_view bytes) {
  auto booster = std::make_shared<Booster>();
  if (XGBoosterCreate(nullptr, 0, &booster->handle) != 0 ||
      XGBoosterSetParam(booster->handle, "verbosity", "0") != 0 ||
      XGBoosterLoadModelFromBuffer(booster->handle, bytes.data(), bytes.size()) != 0 ||
      XGBoosterSetParam(booster->handle, "nthread", "1") != 0) {
    return OfLibrary(StatusCode::kDataLoss, "these bytes are no model of XGBoost");
  }
  return BoostedTrees(std::move(booster));
}

Result<std::vector<double>> BoostedTrees::Predict(const FeatureRows& rows) const {
  WFE_ASSIGN_OR_RETURN(const TreeMatrix matrix, TreeMatrix::Of(rows));
  bst_ulong columns = 0;
  if (XGBoosterGetNumFeature(booster_->handle, &columns) != 0) {
    return OfLibrary(StatusCode::kInternal, "XGBoost does not say how many features a model has");
  }
  if (columns != rows.front().size()) {
    return InvalidArgument("the model has " + std::to_string(columns) + " features, and the rows have " +
                           std::to_string(rows.front().size()));
  }
  bst_ulong count = 0;
  const float* values = nullptr;
  if (XGBoosterPredict(booster_->handle, matrix.handle(), 0, 0, 0, &count, &values) != 0 || count != rows.size()) {
    return OfLibrary(StatusCode::kInternal, "XGBoost cannot predict");
  }
  return std::vector<double>(values, values + count);
}

Result<std::string> BoostedTrees::Bytes() const {
  bst_ulong size = 0;
  const char* bytes = nullptr;
  if (XGBoosterSaveModelToBuffer(booster_->handle, R"({"format": "ubj"})", &size, &bytes) != 0) {
    return OfLibrary(StatusCode::kInternal, "XGBoost cannot write a model");
  }
  return std::string(bytes, size);
}

}  // namespace wfe::optimizer
