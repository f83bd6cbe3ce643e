using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Export;

/// <summary>
/// A model whose network can be said in ONNX's operators. It is loaded as for detection first: what can't detect can't be exported, for
/// the same reasons.
/// </summary>
internal sealed class ExportedModel
{
    private readonly float[] cells;

    /// <summary>Checks that a model can be exported.</summary>
    /// <param name="state">The tensors and configuration, as <see cref="Checkpoint"/> returns them.</param>
    /// <param name="detector">The detector that was loaded from them.</param>
    /// <exception cref="WeightsException">A part of it has no counterpart in ONNX, or none that is written here.</exception>
    public ExportedModel(StateDictionary state, Detector detector)
    {
        (State, Configuration) = (state, detector.Configuration with { Classes = [.. detector.Classes] });
        Layout = DetectorLayout.Read(new WeightReader(state, Configuration.BatchNormEpsilon), Configuration);
        Tensors = detector.Network.Layers.Tensors.ToDictionary(spec => spec.Name);
        cells = detector.Anchors.DownloadCells();
        if (WhyNot(detector) is { } reason)
            throw new WeightsException($"{state.Source}: can't be exported to ONNX, because {reason}.");
    }

    /// <summary>Its tensors.</summary>
    public StateDictionary State { get; }

    /// <summary>Its configuration, with the names of its classes.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>The sizes of its layers.</summary>
    public DetectorLayout Layout { get; }

    /// <summary>The tensors that its layers need, by name.</summary>
    public IReadOnlyDictionary<string, TensorSpec> Tensors { get; }

    /// <summary>The cells of a level's anchors, [A · 4], in input px.</summary>
    /// <param name="level">The level, counted from the finest.</param>
    public ReadOnlySpan<float> CellsOf(int level)
    {
        var perLevel = cells.Length / Configuration.AnchorSizes.Length;
        return cells.AsSpan(level * perLevel, perLevel);
    }

    private string? WhyNot(Detector detector)
    {
        var coarsest = detector.Backbone.FinestLevel + detector.Backbone.Channels.Count - 1;
        if (Configuration.Detector is not (DetectorKind.FasterRcnn or DetectorKind.MaskRcnn or DetectorKind.RetinaNet))
        {
            return $"its detector is {Configuration.Detector}; {DetectorKind.FasterRcnn}, {DetectorKind.MaskRcnn} and "
                + $"{DetectorKind.RetinaNet} can be";
        }
        if (Layout.Backbone is not ResNetLayout)
            return $"its backbone is {detector.Backbone.Description}; ResNets, wide ResNets and ResNeXts can be";
        if (Configuration.Pyramid != PyramidKind.Fpn)
            return $"its pyramid is '{Configuration.Pyramid}', one of the paper's comparisons; '{PyramidKind.Fpn}' can be";
        if (Layout.Boxes is { Stage: not null })
            return "its box head is the fifth stage of a ResNet; fully connected layers, with or without convolutions, can be";
        if (Configuration.RoiMaxPool)
            return "it max-pools RoI features ('roi_max_pool'), which ONNX's operator rounds differently; RoIAlign can be";
        if (Configuration.ImagePyramid.Length > 0)
            return "it detects at several sizes ('image_pyramid'), and a graph has one";
        if (Configuration.SizeDivisor % (1 << coarsest) != 0)
        {
            return $"its input is padded to a multiple of {Configuration.SizeDivisor} px ('size_divisible'), at which a level is not "
                + $"exactly twice the size of the next; multiples of {1 << coarsest} can be";
        }
        return null;
    }
}
