#include <limits>

#include <duet/models/networks/build.hpp>
#include <duet/models/networks/minibatch_deviation.hpp>
#include <duet/models/rows.hpp>
#include <duet/ops/pooling.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/resampling.hpp>

namespace duet::models {

namespace {

constexpr std::int64_t largest_width = 1 << 24, largest_kernel = 1 << 10, largest_class_count = 1 << 16,
                       largest_group = 1 << 16;
constexpr double infinity = std::numeric_limits<double>::infinity();

Parameter size(const char* key, const char* help) {
    return {key, help, whole_number(1, largest_width)};
}

Parameter initializer() {
    return {
        "initializer", "how the weight starts", spec_of("initializer"), {{Spec{"glorot-uniform", {}, {}}}}};
}

Parameter spectral() {
    return {"spectral",
            "whether the weight is divided by its spectral norm (Miyato et al. 2018, algorithm 1)",
            true_or_false(),
            {{false}}};
}

Initializer initializer_of(const Catalogue& catalogue, const Spec& layer) {
    const Spec& spec = layer.spec("initializer");
    return catalogue.builder<InitializerBuilder>("initializer", spec)(spec);
}

Row plain(const char* kind, const char* help, const Activation& activation) {
    return {"layer",
            kind,
            help,
            "",
            {},
            LayerBuilder([activation](const Catalogue&, Network& network, const Spec&, std::uint64_t) {
                network.add(activation);
            })};
}

std::vector<Parameter> convolution_parameters() {
    return {size("inputs", "channels"),
            size("outputs", "channels"),
            {"kernel", "its height and width", whole_number(1, largest_kernel)},
            {"stride", "down and across", whole_number(1, largest_kernel), {{std::int64_t{1}}}},
            {"padding", "zeros on each side", whole_number(0, largest_kernel), {{std::int64_t{0}}}},
            {"groups",
             "into which the channels are divided",
             whole_number(1, largest_width),
             {{std::int64_t{1}}}},
            {"bias", "one added to each channel", true_or_false(), {{true}}},
            spectral(),
            initializer()};
}

ConvolutionLayer convolution_of(const Spec& spec) {
    Convolution2d how;
    how.stride = {spec.whole("stride"), spec.whole("stride")};
    how.padding = {spec.whole("padding"), spec.whole("padding")};
    how.groups = spec.whole("groups");
    return {spec.whole("inputs"), spec.whole("outputs"), spec.whole("kernel"), how,
            spec.flag("bias"),    spec.flag("spectral")};
}

void add_initializers(Catalogue& catalogue) {
    catalogue.add({"initializer",
                   "glorot-uniform",
                   "uniform in +-gain sqrt(6 / (inputs + outputs))",
                   "Glorot and Bengio 2010, equation 16",
                   {{"gain", "", number_from(0, infinity), {{1.0}}}},
                   InitializerBuilder([](const Spec& spec) {
                       return Initializer{.kind = Initializer::Kind::glorot_uniform,
                                          .gain = spec.number("gain")};
                   })});
    catalogue.add(
        {"initializer",
         "he-normal",
         "normal of variance 2 / inputs",
         "He et al. 2015, equation 10",
         {},
         InitializerBuilder([](const Spec&) { return Initializer{.kind = Initializer::Kind::he_normal}; })});
    catalogue.add({"initializer",
                   "normal",
                   "normal of this standard deviation around 0",
                   "Radford et al. 2015, section 4",
                   {{"deviation", "", number_from(0, infinity), {{0.02}}}},
                   InitializerBuilder([](const Spec& spec) {
                       return Initializer{.kind = Initializer::Kind::normal,
                                          .deviation = spec.number("deviation")};
                   })});
}

void add_activations(Catalogue& catalogue) {
    catalogue.add(plain("relu", "max(x, 0)", relu));
    catalogue.add(plain("sigmoid", "1 / (1 + exp(-x))", sigmoid));
    catalogue.add(plain("tanh", "the hyperbolic tangent", tanh));
    catalogue.add({"layer",
                   "leaky-relu",
                   "x, or slope times x where x is below 0",
                   "Maas et al. 2013",
                   {{"slope", "below 0", number_from(0, infinity), {{0.2}}}},
                   LayerBuilder([](const Catalogue&, Network& network, const Spec& spec, std::uint64_t) {
                       network.add(
                           [slope = spec.number("slope")](const Tensor& x) { return leaky_relu(x, slope); });
                   })});
}

void add_regularizers(Catalogue& catalogue) {
    catalogue.add({"layer",
                   "dropout",
                   "in training a share of the values is 0, the others are larger by as much",
                   "Srivastava et al. 2014",
                   {{"share", "of the values that a call leaves out", share(), {{0.5}}}},
                   LayerBuilder([](const Catalogue&, Network& network, const Spec& spec, std::uint64_t) {
                       network.add_dropout(spec.number("share"));
                   })});
    catalogue.add({"layer",
                   "minibatch-deviation",
                   "one more channel: how much each group of samples varies",
                   "Karras et al. 2018, section 3",
                   {{"group",
                     "samples; it divides the batch, or is the whole of a smaller one",
                     whole_number(2, largest_group),
                     {{std::int64_t{4}}}}},
                   LayerBuilder([](const Catalogue&, Network& network, const Spec& spec, std::uint64_t) {
                       network.add(
                           [group = spec.whole("group")](const Tensor& x, const Call&) {
                               return minibatch_deviation(x, group);
                           },
                           {}, {}, {.mixes_samples = true});
                   })});
}

void add_resizing(Catalogue& catalogue) {
    const Parameter kernel{
        "kernel", "height and width of a window", whole_number(2, largest_kernel), {{std::int64_t{2}}}};
    catalogue.add({"layer",
                   "average-pool",
                   "the mean of each window, windows side by side",
                   "",
                   {kernel},
                   LayerBuilder([](const Catalogue&, Network& network, const Spec& spec, std::uint64_t) {
                       network.add([k = spec.whole("kernel")](const Tensor& x) {
                           return avg_pool2d(x, {.kernel = {k, k}, .stride = {k, k}});
                       });
                   })});
    catalogue.add({"layer",
                   "max-pool",
                   "the largest of each window, windows side by side",
                   "",
                   {kernel},
                   LayerBuilder([](const Catalogue&, Network& network, const Spec& spec, std::uint64_t) {
                       network.add([k = spec.whole("kernel")](const Tensor& x) {
                           return max_pool2d(x, {.kernel = {k, k}, .stride = {k, k}});
                       });
                   })});
    catalogue.add({"layer",
                   "upsample",
                   "each pixel repeated down and across",
                   "",
                   {{"factor", "how often", whole_number(2, largest_kernel), {{std::int64_t{2}}}}},
                   LayerBuilder([](const Catalogue&, Network& network, const Spec& spec, std::uint64_t) {
                       network.add([factor = spec.whole("factor")](const Tensor& x) {
                           return upsample_nearest2d(x, factor);
                       });
                   })});
    catalogue.add(
        plain("sum-positions", "(batch, channels, height, width) to (batch, channels)", [](const Tensor& x) {
            return sum(x, {2, 3});
        }));
    catalogue.add({"layer",
                   "reshape",
                   "(batch, ...) to (batch, extents...)",
                   "",
                   {{"extents", "without the batch", whole_numbers(1, 4, largest_width)}},
                   LayerBuilder([](const Catalogue&, Network& network, const Spec& spec, std::uint64_t) {
                       network.add_reshape(spec.wholes("extents"));
                   })});
}

}  // namespace

void add_layer_rows(Catalogue& catalogue) {
    add_initializers(catalogue);
    add_activations(catalogue);
    add_regularizers(catalogue);
    add_resizing(catalogue);
    catalogue.add(
        {"layer",
         "dense",
         "x W^T + b",
         "",
         {size("inputs", "values a sample"),
          size("outputs", "values a sample"),
          {"bias", "one added to each output", true_or_false(), {{true}}},
          spectral(),
          initializer()},
         LayerBuilder([](const Catalogue& all, Network& network, const Spec& spec, std::uint64_t seed) {
             network.add_dense(spec.whole("inputs"), spec.whole("outputs"), initializer_of(all, spec), seed,
                               spec.flag("bias"), spec.flag("spectral"));
         })});
    catalogue.add(
        {"layer", "conv2d", "a square two-dimensional convolution", "", convolution_parameters(),
         LayerBuilder([](const Catalogue& all, Network& network, const Spec& spec, std::uint64_t seed) {
             network.add_conv2d(convolution_of(spec), initializer_of(all, spec), seed);
         })});
    catalogue.add(
        {"layer", "conv-transpose2d", "the transpose of a convolution, which enlarges", "",
         convolution_parameters(),
         LayerBuilder([](const Catalogue& all, Network& network, const Spec& spec, std::uint64_t seed) {
             network.add_conv_transpose2d(convolution_of(spec), initializer_of(all, spec), seed);
         })});
    catalogue.add({"layer",
                   "batch-norm",
                   "batch normalisation, conditional if there are classes",
                   "Ioffe and Szegedy 2015; Dumoulin et al. 2017",
                   {size("channels", ""),
                    {"epsilon", "added to the variance", number_from(0, infinity), {{1e-5}}},
                    {"momentum", "the newest batch's weight in the running statistics", share(), {{0.1}}},
                    {"scale_deviation",
                     "standard deviation of the initial scales around 1",
                     number_from(0, infinity),
                     {{0.0}}},
                    {"classes",
                     "each with a scale and a shift of its own; 0 for one of all",
                     whole_number(0, largest_class_count),
                     {{std::int64_t{0}}}}},
                   LayerBuilder([](const Catalogue&, Network& network, const Spec& spec, std::uint64_t seed) {
                       network.add_batch_norm({.channels = spec.whole("channels"),
                                               .epsilon = spec.number("epsilon"),
                                               .momentum = spec.number("momentum"),
                                               .scale_deviation = spec.number("scale_deviation"),
                                               .classes = spec.whole("classes")},
                                              seed);
                   })});
    catalogue.add(
        {"layer",
         "projection",
         "a score: x W^T + b + <row `label` of E, x>",
         "Miyato and Koyama 2018, equation 3",
         {size("inputs", "values a sample"),
          {"classes", "rows of E", whole_number(1, largest_class_count)},
          spectral(),
          initializer()},
         LayerBuilder([](const Catalogue& all, Network& network, const Spec& spec, std::uint64_t seed) {
             network.add_projection(spec.whole("inputs"), spec.whole("classes"), initializer_of(all, spec),
                                    seed, spec.flag("spectral"));
         })});
    catalogue.add(
        {"layer",
         "residual",
         "main(x) + shortcut(x); x itself without layers in the shortcut",
         "He et al. 2016",
         {{"main", "its layers", specs_of("layer")},
          {"shortcut", "its layers", specs_of("layer"), list_of_specs(std::vector<Spec>{})}},
         LayerBuilder([](const Catalogue& all, Network& network, const Spec& spec, std::uint64_t seed) {
             network.add_residual(build(all, network.part("main"), spec.specs("main"), seed),
                                  build(all, network.part("shortcut"), spec.specs("shortcut"), seed));
         })});
}

}  // namespace duet::models
