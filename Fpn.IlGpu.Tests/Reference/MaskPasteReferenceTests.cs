using Fpn.IlGpu.Tests.Kernels;

namespace Fpn.IlGpu.Tests.Reference;

/// <summary>The reference for masks, compared with torchvision and Detectron2 (Kernels/fixtures/make_mask_paste.py).</summary>
public sealed class MaskPasteReferenceTests
{
    [Test]
    public void Masks_agree_with_torchvision_and_Detectron2([Range(0, MaskPasteFixture.Cases - 1)] int number, [Values] bool rounded)
    {
        var f = new MaskPasteFixture(number);
        foreach (var (mask, box, pasted) in f.Objects(rounded))
        {
            var actual = MaskPasteReference.Run(mask, f.Side, box, f.Height, f.Width, rounded);
            Comparison.AssertClose(actual, pasted, 2e-5, 0, [f.Height, f.Width]);
        }
    }
}
