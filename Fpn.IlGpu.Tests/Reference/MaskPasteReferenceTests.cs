using Fpn.IlGpu.Tests.Kernels;

namespace Fpn.IlGpu.Tests.Reference;

/// <summary>The reference for masks, held to torchvision and Detectron2 (Kernels/fixtures/make_mask_paste.py).</summary>
public sealed class MaskPasteReferenceTests
{
    [Test]
    public void Masks_at_picture_size([Range(0, MaskPasteFixture.Cases - 1)] int number, [Values] bool rounded)
    {
        var f = new MaskPasteFixture(number);
        foreach (var (mask, box, pasted) in f.Objects(rounded))
        {
            var actual = MaskPasteReference.Run(mask, f.Side, box, f.Height, f.Width, rounded);
            Comparison.AssertClose(actual, pasted, 2e-5, 0, [f.Height, f.Width]);
        }
    }
}
