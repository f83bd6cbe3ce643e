using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// One layer of RetinaNet's towers: a 3×3 convolution and ReLU. torchvision's second generation of models has a group norm of
/// 32 groups between them.
/// </summary>
internal sealed class TowerLayer : ILayer
{
    // torchvision's values; model files do not contain them.
    private const int Groups = 32;
    private const float Epsilon = 1e-5f;

    private readonly Device device;
    private readonly ConvolutionLayer convolution;
    private readonly (DeviceArray<float> Gamma, DeviceArray<float> Beta)? norm;

    private TowerLayer(
        Device device, ConvolutionLayer convolution, (DeviceArray<float> Gamma, DeviceArray<float> Beta)? norm)
    {
        this.device = device;
        this.convolution = convolution;
        this.norm = norm;
    }

    /// <summary>Whether there is a group norm.</summary>
    public bool HasNorm => norm is not null;

    /// <summary>The number of output channels, K.</summary>
    public int OutputChannels => convolution.OutputChannels;

    /// <summary>Reads all layers of a tower.</summary>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The tower's name, for example <c>head.classification_head.conv</c>; its layers are numbered from 0.</param>
    /// <param name="channels">Channels of the pyramid, d.</param>
    /// <exception cref="WeightsException">A tensor is missing, or the channels can't be split into groups.</exception>
    public static TowerLayer[] ReadAll(Device device, WeightReader weights, string name, int channels)
    {
        var layers = new TowerLayer[Math.Max(1, weights.Count(name + "."))];
        for (var i = 0; i < layers.Length; i++)
        {
            layers[i] = Read(device, weights, $"{name}.{i}", channels);
            channels = layers[i].OutputChannels;
        }
        return layers;
    }

    /// <inheritdoc/>
    public Tensor Run(Tensor input)
    {
        var convolved = convolution.Run(input);
        if (norm is not { } affine)
            return convolved;
        using (convolved)
        {
            var output = Tensor.Rent(device, convolved.Shape);
            GroupNorm.Run(device, convolved, affine.Gamma.View, affine.Beta.View, Groups, Epsilon, Activation.Relu, output);
            return output;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        convolution.Dispose();
        norm?.Gamma.Dispose();
        norm?.Beta.Dispose();
    }

    private static TowerLayer Read(Device device, WeightReader weights, string name, int channels)
    {
        var hasNorm = weights.HasAny(name + ".1.");
        var convolution = weights.Convolution(
            name + ".0", channels, ConvolutionWindow.Square(padding: 1), hasNorm ? Activation.None : Activation.Relu, needsBias: !hasNorm);
        if (hasNorm && convolution.OutputChannels % Groups != 0)
            throw weights.Error($"the {convolution.OutputChannels} outputs of '{name}.0.weight' can't be split into {Groups} groups.");
        return new TowerLayer(device, convolution, hasNorm ? weights.Affine(name + ".1", convolution.OutputChannels) : null);
    }
}
