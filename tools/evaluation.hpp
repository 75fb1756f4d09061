#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <duet/models/metrics/evidence.hpp>
#include <duet/models/metrics/feature_network.hpp>

namespace duet::tools {

/// One number of a report.
struct Score {
    std::string name;   ///< "fid", "fid_train", "pixel_fid"
    std::string group;  ///< the heading that it stands under
    std::size_t n;      ///< images that were judged
    double value;
    /// Whose estimate `value` is, where it has an interval.
    std::optional<models::Jackknife> jackknife = {};
    /// Which is better, where that can be said.
    std::optional<models::MetricBuilder::Better> better = {};
    bool share = false;  ///< it lies between 0 and 1, and so does its interval

    /// Of what has an interval.
    models::Estimate estimate() const;
};

/// Images as one network sees them; without a network, their pixels.
struct View {
    std::string name;    ///< "features", "random", "pixels"
    std::string prefix;  ///< of its scores' names
    std::shared_ptr<const models::FeatureNetwork> network;
};

/// What images are compared with.
struct Reference {
    std::string name;    ///< "held-back", "train"
    std::string suffix;  ///< of its scores' names
    std::shared_ptr<const Dataset> images;
};

/// Is told what is done now.
using Working = std::function<void(const std::string& what)>;

/// Judges images by every metric of the catalogue. What it makes of the references is kept, in the cache too.
class Evaluator {
 public:
    /// By the first view all metrics are measured, by the others the distances that take less than a second
    /// on pixels too, FID and MIND. Against the first reference
    /// all are, against the others those that compare pairs. If one reference is "held-back" and one "train",
    /// copies are looked for.
    Evaluator(std::vector<Reference> references, std::vector<View> views, std::size_t threads,
              Working working, bool likelihood);

    std::vector<Score> judge(const Dataset& images);
    /// Samplers whose quality is known, by all views against the first reference: "real", as many training
    /// images, where others are held back; "gaussian", normals with each pixel's mean and variance; "copier",
    /// the training image nearest to each of the images. `begin` is told the name of each before it is
    /// judged.
    std::vector<std::pair<std::string, std::vector<Score>>> judge_anchors(const Dataset& images,
                                                                          const Working& begin);

 private:
    struct Seen {
        std::shared_ptr<const models::Samples> features, probabilities;
    };
    /// By each view.
    using Sight = std::vector<Seen>;
    Seen look(const View& view, const Dataset& images, bool keep);
    Sight look(const Dataset& images, bool keep);
    /// Of training images, which have been looked at.
    Sight chosen(const std::vector<std::size_t>& indices);
    std::vector<Score> judge(const Dataset& images, const Sight& sight, std::size_t references, bool copies);
    const Seen& reference(std::size_t view, std::size_t reference);
    void add_metrics(std::vector<Score>& scores, const Seen& seen, std::size_t view, std::size_t reference);
    void add_classes(std::vector<Score>& scores, const Dataset& images, const Seen& seen);
    void add_copies(std::vector<Score>& scores, const Dataset& images, const Seen& seen, bool likelihood);
    std::optional<std::size_t> place_of(const std::string& reference) const;

    models::Catalogue catalogue_;
    std::vector<Reference> references_;
    std::vector<View> views_;
    std::size_t threads_;
    Working working_;
    bool likelihood_;
    Arena arena_;
    std::vector<std::optional<Seen>> seen_;  ///< (view, reference)
};

/// Scores of features that came from elsewhere, (n, d) each.
std::vector<Score> judge_features(const models::Samples& real, const models::Samples& fake,
                                  std::size_t threads, const Working& working);

}  // namespace duet::tools
