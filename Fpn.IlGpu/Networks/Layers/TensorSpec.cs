namespace Fpn.IlGpu.Networks;

/// <summary>How the values of a tensor are drawn for an untrained network. The names of the distributions are PyTorch's.</summary>
public enum Initial
{
    /// <summary>All values are 0.</summary>
    Zeros,

    /// <summary>All values are 1.</summary>
    Ones,

    /// <summary>
    /// Normal, of variance 2 / (outputs of a window): gradients keep their magnitude in the backward pass (He et al. 2015, section 2.2).
    /// For convolutions that a batch norm or a ReLU follows.
    /// </summary>
    KaimingNormal,

    /// <summary>Uniform, of variance 1 / inputs: outputs keep the variance of the inputs. For layers without a non-linearity.</summary>
    KaimingUniform,

    /// <summary>Uniform within ±1 / √inputs: PyTorch's default for linear layers and their biases.</summary>
    Linear,

    /// <summary>Normal, of standard deviation 0.01. For layers that predict.</summary>
    Small,

    /// <summary>All values are −log(99), the logit of 0.01: at first every anchor is taken for background (Focal Loss, section 4.1).</summary>
    RareLogit,
}

/// <summary>The name and shape of a tensor that a layer needs, and its values in an untrained network.</summary>
/// <param name="Name">Its name in state dicts, for example <c>backbone.body.conv1.weight</c>.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Initial">How its initial values are drawn.</param>
/// <param name="Inputs">The number of inputs of each output of its layer.</param>
internal sealed record TensorSpec(string Name, int[] Shape, Initial Initial, int Inputs)
{
    /// <summary>The number of elements.</summary>
    public long Length => Shape.Aggregate(1L, (a, b) => a * b);
}
