namespace Fpn.IlGpu.Verification.Reference;

/// <summary>torchvision's maskrcnn_inference: mask[d, y, x] = sigmoid( in[d, y, x, class of d] ).</summary>
internal static class ClassMaskReference
{
    /// <summary>Converts logits [D, H, W, classes] to probabilities [D, H, W] of the objects' classes.</summary>
    public static float[] Run(float[] logits, Shape4 shape, int[] classIds)
    {
        var own = new List<float>();
        foreach ((var d, var y, var x, var c) in shape.Elements())
        {
            if (c == classIds[d])
                own.Add(logits[shape.At(d, y, x, c)]);
        }

        return SigmoidReference.Run([.. own]);
    }
}
