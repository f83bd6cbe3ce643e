using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Data;

/// <summary>Masks of training samples: only where they are wanted, mirrored with their picture.</summary>
public class SampleMaskTests
{
    private static readonly ObjectMask Corner = ObjectMask.FromRuns([0, 2, 3, 1, 29], 7, 5);

    private static readonly AnnotatedObject[] Objects =
    [
        new(new Box(0, 0, 2, 2), 0) { Mask = Corner }, new(new Box(0, 0, 2, 2), 1),
        new(new Box(0, 0, 2, 2), 2) { Mask = Corner, IsCrowd = true },
    ];

    [Test]
    public void Masks_follow_their_picture()
    {
        var plain = Apply(flip: false, withMasks: true).Objects;
        var mirrored = Apply(flip: true, withMasks: true).Objects;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(plain.Select(o => o.Mask), Is.EqualTo(new[] { Corner, null, null }));
            Assert.That(mirrored.Select(o => o.Mask), Is.EqualTo(new[] { ObjectMask.FromRuns([25, 1, 4, 2, 3], 7, 5), null, null }));
        }
    }

    [Test]
    public void Masks_are_left_out_by_default()
    {
        Assert.That(Apply(flip: true, withMasks: false).Objects.Select(o => o.Mask), Is.All.Null);
        using var loader = new SampleLoader(new OnePicture(), new SampleLoaderOptions { BatchSize = 1 });
        using var masked = new SampleLoader(new OnePicture(), new SampleLoaderOptions { BatchSize = 1, WithMasks = true });
        Assert.That(loader.Next().Samples[0].Objects.Select(o => o.Mask), Is.All.Null);
        Assert.That(masked.Next().Samples[0].Objects.Select(o => o.Mask is null), Is.EqualTo(new[] { false, true, true }));
    }

    [Test]
    public void A_mask_of_another_size_is_refused()
    {
        var picture = new SourcePicture(new RgbImage(7, 6), Objects);
        Assert.That(
            () => new Augmentation().Apply(picture, 1, 0, 0, withMasks: true),
            Throws.TypeOf<ArgumentException>().With.Message.Contains("7 × 5 px, its picture 7 × 6 px"));
        Assert.That(() => new Augmentation().Apply(picture, 1, 0, 0), Throws.Nothing);
    }

    private static TrainingSample Apply(bool flip, bool withMasks)
        => new Augmentation { FlipProbability = flip ? 1 : 0 }.Apply(new OnePicture().Read(0, 0), 1, 0, 0, withMasks);

    private sealed class OnePicture : IPictureSource
    {
        public int Count => 1;

        public bool IsWide(int index) => true;

        public long IdOf(int index) => index;

        public string NameOf(int index) => "the picture";

        public SourcePicture Read(int index, long epoch) => new(new RgbImage(7, 5), Objects);
    }
}
