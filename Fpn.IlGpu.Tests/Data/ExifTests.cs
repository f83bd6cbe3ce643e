using Fpn.IlGpu.Data;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Imaging;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Data;

/// <summary>Pictures that EXIF data say are turned are read as they were annotated, and it is said where that is not so.</summary>
public sealed class ExifTests
{
    private static readonly AnnotatedObject[] Objects = [new(new Box(1, 1, 5, 5), 0)];

    private static string Folder => Path.GetDirectoryName(PictureFixtures.PathOf("orientation-6.jpg"))!;

    [Test]
    public void A_picture_on_its_side_is_turned_or_left_as_it_is_stored()
    {
        var path = PictureFixtures.PathOf("orientation-6.png");
        var upright = PictureFixtures.Expected("orientation-6.png");
        var stored = PictureReader.Read(path, exif: ExifUse.Ignore);
        Assert.That(PictureReader.Read(path).Pixels, Is.EqualTo(upright.Pixels));
        Assert.That((stored.Width, stored.Height), Is.EqualTo((upright.Height, upright.Width)));
        // Orientation 6: the first stored row is the right column.
        for (var x = 0; x < stored.Width; x++)
            Assert.That(Pixel(stored, x, 0), Is.EqualTo(Pixel(upright, upright.Width - 1, x)));
        var size = PictureReader.SizeOf(path);
        Assert.That(size.Of(ExifUse.Apply), Is.EqualTo((upright.Width, upright.Height)));
        Assert.That(size.Of(ExifUse.Ignore), Is.EqualTo((stored.Width, stored.Height)));
    }

    [TestCase(ExifUse.Apply)]
    [TestCase(ExifUse.Ignore)]
    public void A_set_that_was_annotated_the_other_way_is_named(ExifUse exif)
    {
        var size = PictureReader.SizeOf(PictureFixtures.PathOf("orientation-6.jpg"));
        var (width, height) = size.Of(exif == ExifUse.Apply ? ExifUse.Ignore : ExifUse.Apply);
        var set = Set(("orientation-6.jpg", width, height), ("orientation-1.jpg", size.StoredWidth, size.StoredHeight));

        var problems = PictureCheck.WithoutUnusable(set, exif).Problems;

        Assert.That(problems.Count(AnnotationProblem.ExifOther), Is.EqualTo(1));
        Assert.That(problems.Sentences(), Has.One.Contains("go by the other value of 'exif'").And.Contains("orientation-6.jpg"));
        Assert.That(problems.IsTooMuchLost, Is.True);
    }

    [TestCase(ExifUse.Apply)]
    [TestCase(ExifUse.Ignore)]
    public void A_set_is_read_the_way_it_was_annotated(ExifUse exif)
    {
        var (width, height) = PictureReader.SizeOf(PictureFixtures.PathOf("orientation-6.jpg")).Of(exif);
        var set = PictureCheck.WithoutUnusable(Set(("orientation-6.jpg", width, height)), exif);
        Assert.That(set.Problems.Sentences(), Is.Empty);
        var picture = new AnnotatedSetPictures(set, exif: exif).Read(0, 0).Image;
        Assert.That((picture.Width, picture.Height), Is.EqualTo((width, height)));
    }

    [Test]
    public void Pictures_that_are_upside_down_are_named_if_no_size_shows_how_the_set_was_annotated()
    {
        var size = PictureReader.SizeOf(PictureFixtures.PathOf("orientation-3.jpg"));
        var turned = PictureReader.SizeOf(PictureFixtures.PathOf("orientation-6.jpg"));
        var alone = Set(("orientation-3.jpg", size.StoredWidth, size.StoredHeight));
        var together = Set(
            ("orientation-3.jpg", size.StoredWidth, size.StoredHeight), ("orientation-6.jpg", turned.StoredHeight, turned.StoredWidth));

        Assert.That(
            PictureCheck.WithoutUnusable(alone).Problems.Sentences().Single(),
            Does.StartWith("1 picture that EXIF says is turned; no size shows").And.Contain("orientation-3.jpg"));
        Assert.That(PictureCheck.WithoutUnusable(together).Problems.Sentences(), Is.Empty, "the other picture shows it");
    }

    [Test]
    public void Evaluation_names_a_truth_that_was_annotated_the_other_way()
    {
        var size = PictureReader.SizeOf(PictureFixtures.PathOf("orientation-6.jpg"));
        var truth = EvaluationTruth.Of(Set(("orientation-6.jpg", size.StoredWidth, size.StoredHeight)));
        Assert.That(truth.WithoutUnusablePictures(Folder).Problems.Count(AnnotationProblem.ExifOther), Is.EqualTo(1));
        Assert.That(truth.WithoutUnusablePictures(Folder, ExifUse.Ignore).Problems.Total, Is.Zero);
    }

    [TestCase("", ExifUse.Apply)]
    [TestCase(", \"exif\": \"apply\"", ExifUse.Apply)]
    [TestCase(", \"exif\": \"ignore\"", ExifUse.Ignore)]
    public void The_key_exif_says_which(string key, ExifUse exif)
        => Assert.That(TrainingConfiguration.Parse($$"""{ "data": { "voc": { "folder": "set" }{{key}} } }""").Data.Exif, Is.EqualTo(exif));

    private static AnnotatedSet Set(params (string Name, int Width, int Height)[] pictures)
    {
        var problems = new AnnotationProblems();
        problems.AddParts(AnnotationPart.Pictures, pictures.Length);
        return new AnnotatedSet(
            [.. pictures.Select((p, i) => new AnnotatedPicture(i + 1, p.Name, p.Width, p.Height, Objects))],
            [new AnnotatedCategory(1, "dog")])
        {
            Folder = Folder,
            Problems = problems,
        };
    }

    private static (byte Red, byte Green, byte Blue) Pixel(RgbImage image, int x, int y)
        => image.Pixels[(((y * image.Width) + x) * 3)..] is [var r, var g, var b, ..] ? (r, g, b) : default;
}
