using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Export;

/// <summary>The mask head of Mask R-CNN as ONNX nodes: see <see cref="MaskHead"/>.</summary>
internal static class MaskNodes
{
    /// <summary>Adds the head.</summary>
    /// <param name="model">The model.</param>
    /// <param name="layers">Its layers.</param>
    /// <param name="rois">Pools RoI features.</param>
    /// <param name="found">The detections.</param>
    /// <returns>The probability that each bin of a box belongs to its object, [n, 28, 28].</returns>
    public static OnnxValue Find(ExportedModel model, LayerNodes layers, RoiNodes rois, FoundNodes found)
    {
        const string name = DetectorNetwork.RoiHeadsName;
        found.Boxes.Graph.Begin(name + ".mask_head");
        var pooled = rois.Pool(found.Boxes, MaskRcnn.Bins);
        var x = pooled.Features;
        for (var i = 0; i < model.Layout.Masks!.Convolutions.Length; i++)
            x = layers.Convolution(x, $"{name}.mask_head.{i}.0", $"{name}.mask_head.{i}.1").Relu();
        x = layers.Doubling(x, name + ".mask_predictor.conv5_mask").Relu();
        x = layers.Convolution(x, name + ".mask_predictor.mask_fcn_logits");
        var ofClass = x.Graph.Node(
            "GatherND", OnnxType.Float, [x, found.Labels.Gather(pooled.Order).Unsqueeze(1)], OnnxAttribute.Of("batch_dims", 1));
        return pooled.InOrder(ofClass.Sigmoid());
    }
}
