using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Weights;
using static Fpn.IlGpu.Weights.OnnxOperators;

namespace Fpn.IlGpu.Export;

/// <summary>
/// The region proposal network as ONNX nodes (paper, section 4.1): <see cref="RpnHead"/>, then what <see cref="Proposals"/> does with its
/// outputs.
/// </summary>
internal static class ProposalNodes
{
    /// <summary>Adds the network.</summary>
    /// <param name="model">The model.</param>
    /// <param name="layers">Its layers.</param>
    /// <param name="pyramid">P2 to P6, [1, d, Hl, Wl].</param>
    /// <param name="input">The input.</param>
    /// <returns>The proposals, best first, in input px, [R, 4].</returns>
    public static OnnxValue Find(ExportedModel model, LayerNodes layers, Levels<OnnxValue> pyramid, InputNodes input)
    {
        var (c, layout) = (model.Configuration, model.Layout.Rpn!);
        var strides = new LevelStrides(input.Padded, c.AnchorStridesDouble);
        var (boxes, scores) = (new List<OnnxValue>(), new List<OnnxValue>());
        for (var l = pyramid.Finest; l <= pyramid.Coarsest; l++)
        {
            var name = DetectorNetwork.RpnName;
            pyramid[l].Graph.Begin($"{name}/P{l}");
            if (layout.SeparateLevels is { } heads)
                name += $".{(heads == 1 ? 0 : l - pyramid.Finest)}";
            var (objectness, deltas) = Head(layers, layout, name, pyramid[l]);
            var stride = strides.Next(objectness);

            // The best anchors, decoded and clipped; what clipping has reduced to nothing is no proposal.
            var logits = objectness.Transpose(0, 2, 3, 1).Reshape(-1);
            var (best, indices) = logits.Best(c.RpnPreNmsTopN);
            var anchors = BoxNodes.AnchorsAt(indices, model.CellsOf(l - pyramid.Finest), objectness, stride);
            var chosen = deltas.Transpose(0, 2, 3, 1).Reshape(-1, 4).Gather(indices);
            var decoded = BoxNodes.Clip(BoxNodes.Decode(anchors, chosen, new BoxWeights(1, 1, 1, 1)), input.Limits);
            var probability = best.Sigmoid();
            var isProposal = BoxNodes.AreAtLeast(decoded, Proposals.SmallestSidePx).Reshape(-1) & (probability >= c.RpnScoreThreshold);

            // NMS goes by the logits, as their order is the list's, while close logits may have one probability.
            var ranking = isProposal.Choose(best, best.Number(float.NegativeInfinity)).Reshape(1, 1, -1);
            var kept = decoded.Unsqueeze(0).Suppress(ranking, c.RpnNmsThreshold, float.MinValue).At(2, axis: 1);
            boxes.Add(decoded.Gather(kept));
            scores.Add(probability.Gather(kept));
        }
        pyramid[pyramid.Finest].Graph.Begin("proposals");
        var (_, order) = Concat(0, [.. scores]).Best(c.RpnPostNmsTopN);
        return Concat(0, [.. boxes]).Gather(order).Named("proposals");
    }

    private static (OnnxValue Objectness, OnnxValue Deltas) Head(LayerNodes layers, RpnHeadLayout layout, string name, OnnxValue x)
    {
        for (var i = 0; i < layout.Hidden.Length; i++)
            x = layers.Convolution(x, $"{name}.conv.{i}.0", $"{name}.conv.{i}.1").Relu();
        return (layers.Convolution(x, name + ".cls_logits"), layers.Convolution(x, name + ".bbox_pred"));
    }
}

/// <summary>
/// The strides of the levels, finest first: input / map, rounded down, or twice that of the level below. See
/// <see cref="Anchors.Grids"/>.
/// </summary>
/// <param name="padded">The height and width of the input, in px, [2].</param>
/// <param name="areDouble">Whether each stride is twice the one before.</param>
internal sealed class LevelStrides(OnnxValue padded, bool areDouble)
{
    private OnnxValue? last;

    /// <summary>The stride of the next level in y and x, in px, [2].</summary>
    /// <param name="map">A map of that level, [1, …, H, W].</param>
    public OnnxValue Next(OnnxValue map) => last = areDouble && last is not null ? last * 2 : padded / map.Shape().Part(0, 2, 4);
}
