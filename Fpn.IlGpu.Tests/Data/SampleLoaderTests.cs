using Fpn.IlGpu.Data;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Data;

/// <summary>The order of samples, their variation, and the handling of pictures that can't be used.</summary>
public class SampleLoaderTests
{
    private static readonly SampleLoaderOptions Options = new()
    {
        BatchSize = 3,
        Seed = 5,
        Augmentation = new Augmentation { ShorterSides = [10, 20, 30], LongestSide = 60 },
    };

    [TestCase(1, 1)]
    [TestCase(4, 2)]
    [TestCase(3, 50)]
    public void The_same_seed_gives_the_same_samples_with_any_number_of_threads(int workers, int ahead)
    {
        var expected = Load(new NumberedPictures(10, 4), Options, 12);
        var actual = Load(new NumberedPictures(10, 4), Options with { Workers = workers, Ahead = ahead }, 12);
        Assert.That(actual.Select(Said), Is.EqualTo(expected.Select(Said)));
    }

    [TestCase(1)]
    [TestCase(3)]
    [TestCase(8)]
    public void Any_step_can_be_the_first(long first)
    {
        var all = Load(new NumberedPictures(10, 4), Options with { GroupByShape = true }, 12);
        var rest = Load(new NumberedPictures(10, 4), Options with { GroupByShape = true, FirstStep = first }, 12 - (int)first);
        Assert.That(rest.Select(Said), Is.EqualTo(all.Skip((int)first).Select(Said)));
    }

    [Test]
    public void Another_seed_gives_other_samples()
    {
        var one = Load(new NumberedPictures(30), Options, 8);
        var other = Load(new NumberedPictures(30), Options with { Seed = 6 }, 8);
        Assert.That(other.Select(Said), Is.Not.EqualTo(one.Select(Said)));
    }

    [Test]
    public void Each_epoch_has_every_picture_once_in_a_different_order()
    {
        var batches = Load(new NumberedPictures(12), Options, 8);
        var epochs = batches.GroupBy(b => b.Epoch, b => b.Samples.Select(s => s.Index))
            .Select(e => e.SelectMany(i => i).ToArray()).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(epochs, Has.Length.EqualTo(2));
            Assert.That(epochs[0], Is.EquivalentTo(Enumerable.Range(0, 12)));
            Assert.That(epochs[1], Is.EquivalentTo(Enumerable.Range(0, 12)));
            Assert.That(epochs[1], Is.Not.EqualTo(epochs[0]));
            Assert.That(batches.Select(b => b.Step), Is.EqualTo(Enumerable.Range(0, 8)));
        }
    }

    [Test]
    public void Samples_vary_from_epoch_to_epoch()
    {
        var batches = Load(new NumberedPictures(1), Options with { BatchSize = 1 }, 40);
        var samples = batches.SelectMany(b => b.Samples).ToArray();
        using (Assert.EnterMultipleScope())
        {
            // 40 draws with probabilities 1/2 and 1/3: the bounds are about five standard deviations away.
            Assert.That(samples.Count(s => s.IsMirrored), Is.InRange(2, 38));
            foreach (var side in Options.Augmentation.ShorterSides)
                Assert.That(samples.Count(s => s.ResizedH == side), Is.GreaterThan(0));
            Assert.That(samples.Select(s => s.ResizedH).Distinct(), Is.EquivalentTo(Options.Augmentation.ShorterSides));
        }
    }

    [Test]
    public void Any_side_of_a_range_may_be_chosen()
    {
        var augmentation = Options.Augmentation with { AnySideBetween = true, ShorterSides = [20, 10], RoundsSides = true };
        var samples = Load(new NumberedPictures(1), Options with { Augmentation = augmentation, BatchSize = 1 }, 200);
        Assert.That(samples.Select(b => b.Samples[0].ResizedH).Distinct(), Is.EquivalentTo(Enumerable.Range(10, 11)));
    }

    [Test]
    public void Boxes_follow_their_picture()
    {
        var source = new NumberedPictures(2);
        var picture = source.Read(0, 0);
        foreach (var flip in new[] { false, true })
        {
            // 7 × 5 px to 28 × 20.
            var augmentation = new Augmentation { FlipProbability = flip ? 1 : 0, ShorterSides = [20] };
            var sample = augmentation.Apply(source.Read(0, 0), 1, 0, 0);
            using (Assert.EnterMultipleScope())
            {
                Assert.That((sample.ResizedW, sample.ResizedH, sample.IsMirrored), Is.EqualTo((28, 20, flip)));
                Assert.That(sample.Objects[0], Is.EqualTo(new SampleObject(flip ? new Box(16, 8, 24, 20) : new Box(4, 8, 12, 20), 0)));
                Assert.That(sample.Objects[1].IsIgnored, Is.True);
                for (var i = 0; i < 7 * 5 * 3; i++)
                {
                    var (y, x, c) = (i / 21, i / 3 % 7, i % 3);
                    Assert.That(sample.Image.Pixels[i], Is.EqualTo(picture.Image.Pixels[(y * 7 + (flip ? 6 - x : x)) * 3 + c]));
                }
            }
        }
    }

    [Test]
    public void The_limit_on_the_longest_side_reduces_the_shorter_side()
    {
        var sample = new Augmentation { ShorterSides = [20], LongestSide = 21 }.Apply(new NumberedPictures(1).Read(0, 0), 1, 0, 0);
        Assert.That((sample.ResizedW, sample.ResizedH), Is.EqualTo((21, 15)));
    }

    [Test]
    public void Wide_and_tall_pictures_are_mixed_in_at_most_one_batch_per_epoch()
    {
        var batches = Load(new NumberedPictures(22), Options with { GroupByShape = true }, 14);
        var mixed = batches.GroupBy(b => b.Epoch).Select(epoch => epoch.Count(b => b.Samples.DistinctBy(s => s.Index % 2).Count() > 1));
        Assert.That(mixed, Is.All.LessThanOrEqualTo(1));
        var first = batches.Where(b => b.Epoch == 0).SelectMany(b => b.Samples).Select(s => s.Index);
        Assert.That(first, Is.Unique);
    }

    [Test]
    public void A_source_smaller_than_a_batch_repeats_itself()
    {
        var batches = Load(new NumberedPictures(2), Options with { BatchSize = 5 }, 3);
        Assert.That(batches.Select(b => b.Samples.Select(s => s.Index).Distinct().Count()), Is.All.EqualTo(2));
        Assert.That(batches.Select(b => b.Epoch), Is.EqualTo(new[] { 0, 1, 2 }));
    }

    [Test]
    public void Unusable_pictures_are_named_once_and_replaced()
    {
        using var loader = new SampleLoader(new NumberedPictures(9, 2, 3, 7), Options);
        var indices = Enumerable.Range(0, 12).SelectMany(_ => loader.Next().Samples).Select(s => s.Index).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(indices.Distinct(), Is.EquivalentTo(new[] { 0, 1, 4, 5, 6, 8 }));
            Assert.That(loader.Problems.Count(AnnotationProblem.PictureBroken), Is.EqualTo(3));
            Assert.That(loader.Problems.Named(AnnotationProblem.PictureBroken), Has.Some.EqualTo("picture 7 is broken"));
        }
    }

    [Test]
    public void Loading_fails_if_no_picture_can_be_used()
    {
        using var loader = new SampleLoader(new NumberedPictures(3, 0, 1, 2), Options);
        var exception = Assert.Throws<AnnotationException>(() => loader.Next())!;
        Assert.That(exception.Message, Does.StartWith("None of the 3 pictures can be used.").And.Contain("picture 1 is broken"));
    }

    [Test]
    public void A_loader_with_unread_batches_can_be_disposed()
    {
        var loader = new SampleLoader(new NumberedPictures(9), Options with { Ahead = 2 });
        loader.Next();
        loader.Dispose();
        Assert.Throws<ObjectDisposedException>(() =>
        {
            for (var i = 0; i < 9; i++)
                loader.Next();
        });
    }

    [Test]
    public void Endless_scenes_are_new_in_every_epoch()
    {
        var pictures = new SyntheticPictures(77, 3, 64, 48) { IsEndless = true, Options = new() { LargestPx = 40 } };
        var scene = SyntheticShapes.Scene(77 + 3 + 1, 64, 48, pictures.Options);
        var picture = pictures.Read(1, 1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(picture.Image.Pixels, Is.EqualTo(scene.Image.Pixels));
            Assert.That(picture.Objects.Select(o => o.ClassIndex), Is.EqualTo(scene.Shapes.Select(s => s.ClassIndex)));
            Assert.That(pictures.Read(1, 0).Image.Pixels, Is.Not.EqualTo(picture.Image.Pixels));
        }
    }

    [Test]
    public void Pictures_not_of_their_annotated_size_are_refused_and_empty_ones_left_out()
    {
        var folder = Path.Combine(TestContext.CurrentContext.TestDirectory, "samples");
        var name = Path.GetFileName(Directory.GetFiles(folder, "*.png")[0]);
        var image = PictureReader.Read(Path.Combine(folder, name));
        AnnotatedObject[] objects = [new(new Box(1, 1, 9, 9), 0)];
        AnnotatedPicture[] pictures =
        [
            new(1, name, image.Width, image.Height, []), new(2, name, image.Width, image.Height, objects),
            new(3, name, image.Width + 1, image.Height, objects), new(4, name, 9, 9, [objects[0] with { IsCrowd = true }]),
        ];
        var set = new AnnotatedSet(pictures, [new AnnotatedCategory(1, "thing")]) { Folder = folder };
        var source = new AnnotatedSetPictures(set);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(source.Count, Is.EqualTo(2));
            Assert.That(source.Read(0, 0).Image.Pixels, Is.EqualTo(image.Pixels));
            Assert.That(() => source.Read(1, 0), Throws.TypeOf<PictureException>().With.Message.Contains("its annotations say"));
            Assert.That(new AnnotatedSetPictures(set, keepEmpty: true).Count, Is.EqualTo(4));
            Assert.That(
                () => new AnnotatedSetPictures(set with { Pictures = [pictures[0], pictures[3]] }),
                Throws.TypeOf<AnnotationException>());
        }
    }

    private static List<SampleBatch> Load(IPictureSource source, SampleLoaderOptions options, int steps)
    {
        using var loader = new SampleLoader(source, options);
        return [.. Enumerable.Range(0, steps).Select(_ => loader.Next())];
    }

    private static string Said(SampleBatch batch) => $"{batch.Step} of {batch.Epoch}: " + string.Join(
        "; ",
        batch.Samples.Select(s => $"{s.Index} {s.IsMirrored} {s.ResizedH}x{s.ResizedW} {string.Join(',', s.Objects)} {s.Image.Pixels[0]}"));
}
