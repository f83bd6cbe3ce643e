using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>The formats that models are written in.</summary>
internal enum ModelFormat
{
    /// <summary>safetensors.</summary>
    Safetensors,

    /// <summary>A PyTorch checkpoint.</summary>
    PyTorch,

    /// <summary>ONNX: the network with its weights.</summary>
    Onnx,
}

/// <summary>The endings of the formats.</summary>
internal static class ModelFormats
{
    /// <summary>Whether a file of weights alone is a PyTorch checkpoint, by its name, rather than safetensors.</summary>
    /// <exception cref="WeightsException">Its name has another ending, or that of ONNX.</exception>
    public static bool IsPyTorch(string output) => Of(output) switch
    {
        ModelFormat.Onnx => throw new WeightsException($"{output}: an ONNX file holds the network, too; OnnxExport writes it."),
        var format => format == ModelFormat.PyTorch,
    };

    /// <summary>The format that a file name's ending says.</summary>
    /// <exception cref="WeightsException">It is another ending.</exception>
    public static ModelFormat Of(string output) => Path.GetExtension(output).ToLowerInvariant() switch
    {
        ".safetensors" => ModelFormat.Safetensors,
        ".pth" or ".pt" => ModelFormat.PyTorch,
        ".onnx" => ModelFormat.Onnx,
        _ => throw new WeightsException(
            $"{output}: the ending of an output file says its format; it must be .safetensors, .pth or .pt for PyTorch, or .onnx."),
    };
}
