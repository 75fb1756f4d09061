#include "gemm_list.hpp"

#include <algorithm>
#include <utility>

#include <cblas.h>

namespace duet::bench {

namespace {

/// The products of one layer: forward, and the gradients with regard to weights and to inputs.
struct Layer {
    Gemm forward, weight_gradient, input_gradient;
};
using Layers = std::vector<Layer>;

/// Weights stored (outputs, inputs).
Layer dense(std::size_t batch, std::size_t inputs, std::size_t outputs) {
    return {{false, true, batch, outputs, inputs},
            {true, false, outputs, inputs, batch},
            {false, false, batch, inputs, outputs}};
}

/// `columns` places of the smaller map, `taps` places of the kernel.
Layer convolution(std::size_t inputs, std::size_t outputs, std::size_t taps, std::size_t columns) {
    return {{false, false, outputs, columns, inputs * taps},
            {false, true, outputs, inputs * taps, columns},
            {true, false, inputs * taps, columns, outputs}};
}

/// The transpose of a convolution from `outputs` to `inputs` channels.
Layer transposed_convolution(std::size_t inputs, std::size_t outputs, std::size_t taps, std::size_t columns) {
    const Layer layer = convolution(outputs, inputs, taps, columns);
    return {layer.input_gradient, layer.weight_gradient, layer.forward};
}

constexpr std::size_t dcgan_taps = 4 * 4;

Layers mlp_layers(const std::vector<std::size_t>& widths, std::size_t batch) {
    Layers layers;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i)
        layers.push_back(dense(batch, widths[i], widths[i + 1]));
    return layers;
}

Layers generator_layers(const Spec& recipe) {
    const std::size_t batch = recipe.whole("batch");
    const std::vector<std::size_t> widths = recipe.wholes("networks.generator.widths");
    if (recipe.text("images.form") == "flat") return mlp_layers(widths, batch);
    const std::size_t maps = widths.size() - 1;
    std::size_t places = (recipe.whole("images.height") >> maps) * (recipe.whole("images.width") >> maps);
    Layers layers = {dense(batch, widths[0], widths[1] * places)};
    for (std::size_t i = 1; i < widths.size(); ++i) {
        const std::size_t outputs = i + 1 < widths.size() ? widths[i + 1] : recipe.whole("images.channels");
        layers.push_back(transposed_convolution(widths[i], outputs, dcgan_taps, batch * places));
        places *= 4;
    }
    return layers;
}

Layers discriminator_layers(const Spec& recipe) {
    const std::size_t batch = recipe.whole("batch");
    const std::vector<std::size_t> widths = recipe.wholes("networks.discriminator.widths");
    if (recipe.text("images.form") == "flat") return mlp_layers(widths, batch);
    std::size_t inputs = recipe.whole("images.channels");
    std::size_t places = recipe.whole("images.height") * recipe.whole("images.width");
    Layers layers;
    for (const std::size_t outputs : widths) {
        places /= 4;
        layers.push_back(convolution(inputs, outputs, dcgan_taps, batch * places));
        inputs = outputs;
    }
    layers.push_back(dense(batch, inputs * places, 1));
    return layers;
}

/// Appends the products of a network's passes.
class Passes {
 public:
    explicit Passes(std::vector<Gemm>& gemms) : gemms_(gemms) {}

    void forward(const Layers& layers) {
        for (const Layer& layer : layers) gemms_.push_back(layer.forward);
    }
    void weight_gradients(const Layers& layers) {
        for (std::size_t i = layers.size(); i-- > 0;) gemms_.push_back(layers[i].weight_gradient);
    }
    /// With regard to the inputs of all layers from `first` on.
    void input_gradients(const Layers& layers, std::size_t first) {
        for (std::size_t i = layers.size(); i-- > first;) gemms_.push_back(layers[i].input_gradient);
    }
    /// A score and the gradients of all weights.
    void trained_score(const Layers& layers) {
        forward(layers);
        weight_gradients(layers);
        input_gradients(layers, 1);
    }
    /// The gradient of the scores with regard to the images, and backward through it: to each layer's
    /// gradient, but for the one that is constant.
    void penalty(const Layers& layers) {
        input_gradients(layers, 0);
        weight_gradients(layers);
        for (std::size_t i = 0; i + 1 < layers.size(); ++i) gemms_.push_back(layers[i].forward);
    }

 private:
    std::vector<Gemm>& gemms_;
};

}  // namespace

std::vector<Gemm> step_gemms(const Spec& recipe) {
    const Value* repeats = recipe.find("schedule.discriminator_steps");
    const bool joint = repeats == nullptr;
    const std::size_t steps = joint ? 1 : recipe.whole("schedule.discriminator_steps");
    const Layers generator = generator_layers(recipe), discriminator = discriminator_layers(recipe);
    const std::vector<Spec> penalties = recipe.specs("penalties");
    std::vector<Gemm> gemms;
    Passes passes(gemms);
    const auto train_generator = [&] {
        passes.input_gradients(discriminator, 0);
        passes.weight_gradients(generator);
        passes.input_gradients(generator, 1);
    };
    for (std::size_t step = 0; step < steps; ++step) {
        passes.forward(generator);
        for (int score = 0; score < 2; ++score) passes.trained_score(discriminator);
        for (const Spec& penalty : penalties) {
            if (penalty.kind == "gp") passes.forward(discriminator);
            passes.penalty(discriminator);
        }
    }
    if (joint) train_generator();

    passes.forward(generator);
    passes.forward(discriminator);
    train_generator();
    return gemms;
}

double flops(const std::vector<Gemm>& gemms) {
    double sum = 0;
    for (const Gemm& gemm : gemms) sum += gemm.flops();
    return sum;
}

Floor::Floor(std::vector<Gemm> gemms) : gemms_(std::move(gemms)) {
    std::size_t a = 0, b = 0, c = 0;
    for (const Gemm& gemm : gemms_) {
        a = std::max(a, gemm.m * gemm.k);
        b = std::max(b, gemm.k * gemm.n);
        c = std::max(c, gemm.m * gemm.n);
    }
    a_.assign(a, 0.5F);
    b_.assign(b, 0.25F);
    c_.assign(c, 0.0F);
}

void Floor::run() {
    for (const Gemm& gemm : gemms_) {
        const auto m = static_cast<blasint>(gemm.m), n = static_cast<blasint>(gemm.n),
                   k = static_cast<blasint>(gemm.k);
        cblas_sgemm(CblasRowMajor, gemm.transpose_a ? CblasTrans : CblasNoTrans,
                    gemm.transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1.0F, a_.data(),
                    gemm.transpose_a ? m : k, b_.data(), gemm.transpose_b ? k : n, 0.0F, c_.data(), n);
    }
}

}  // namespace duet::bench
