// Whether a variant does harm, asked as often as one likes (XB-4).
//
// Runs are sent to the variant with a known probability q.  When the variant makes no more errors than the control,
// each error that happens lies in the variant with probability q at most, whatever the rate of errors is and however it
// moves: an outage of the model hits both arms.  So errors are tosses of a coin that shows "variant" too often only
// when there is harm.  Their evidence is the likelihood of the tosses under coins with more than q (all of them weighed
// equally) divided by that under q.  Without harm this ratio is a nonnegative supermartingale that starts at 1, so by
// Ville's inequality it ever reaches 1 / alpha with probability alpha at most: there is nothing to spend and no plan of
// looks, which an hourly cycle that may be missed, or asked for by hand, could not keep.
#pragma once

#include <cstdint>

#include "engine/base/record_json.h"

namespace wfe::learning {

struct HarmWatch {
  int64_t errors_control = 0;
  int64_t errors_variant = 0;
  double log_evidence = 0;  ///< Natural logarithm of the ratio.
  double log_limit = 0;     ///< Harm where the evidence reaches it.
  bool harmful = false;
};
WFE_RECORD(HarmWatch, errors_control, errors_variant, log_evidence, log_limit, harmful);

/// `variant_share` is q, `alpha` the chance of ever calling a harmless variant harmful.
HarmWatch WatchForHarm(int64_t errors_control, int64_t errors_variant, double variant_share, double alpha);

}  // namespace wfe::learning
