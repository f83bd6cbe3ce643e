using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Imaging;

public sealed class MaskPainterTests
{
    private static readonly Rgb Grey = new(128, 128, 128);

    [Test]
    public void The_fill_is_translucent_and_the_outline_has_the_full_colour()
    {
        var box = new PixelRectangle(40, 30, 100, 90);
        var image = Draw(160, 120, [Masked(160, 120, box, 7)]);
        var colour = ClassColours.Of(7);
        var fill = At(image, 70, 60);
        foreach ((var mixed, var full) in new[] { (fill.R, colour.R), (fill.G, colour.G), (fill.B, colour.B) })
            Assert.That(mixed, Is.EqualTo(128 + (0.4 * (full - 128))).Within(1));
        // The frame is elsewhere, so this outline is the mask's: 2 px inside, and a dark line outside.
        foreach (var x in new[] { 40, 41, 98, 99 })
            Assert.That(At(image, x, 60), Is.EqualTo(colour), $"column {x}");
        foreach (var y in new[] { 30, 31, 88, 89 })
            Assert.That(At(image, 70, y), Is.EqualTo(colour), $"row {y}");
        Assert.That(At(image, 43, 60), Is.EqualTo(fill), "just inside the outline");
        Assert.That(At(image, 39, 60).R, Is.LessThan(70), "the dark edge");
        Assert.That(At(image, 36, 60), Is.EqualTo(Grey), "outside");
    }

    [Test]
    public void Touching_objects_of_one_class_can_be_told_apart()
    {
        var image = Draw(160, 120, [Masked(160, 120, new(40, 30, 80, 90), 7), Masked(160, 120, new(80, 30, 120, 90), 7)]);
        Assert.That(At(image, 60, 60), Is.EqualTo(At(image, 100, 60)), "the same fill");
        Assert.That(At(image, 79, 60), Is.Not.EqualTo(At(image, 60, 60)), "the line between");
    }

    [Test]
    public void Frames_and_labels_are_drawn_above_all_masks()
    {
        var mask = Masked(160, 120, new(0, 0, 160, 120), 3);
        var framed = new Annotation(30, 40, 130, 100, "person", 7);
        RgbImage above = Draw(160, 120, [mask, framed]), below = Draw(160, 120, [framed, mask]);
        foreach (var image in new[] { above, below })
            Assert.That(At(image, 30, 70), Is.EqualTo(ClassColours.Of(7)));
    }

    [Test]
    public void Earlier_masks_are_drawn_above_later_ones()
    {
        Annotation one = Masked(160, 120, new(40, 30, 100, 90), 7), other = Masked(160, 120, new(60, 20, 120, 80), 3);
        Assert.That(At(Draw(160, 120, [one, other]), 99, 60), Is.EqualTo(ClassColours.Of(7)));
        Assert.That(At(Draw(160, 120, [other, one]), 60, 60), Is.EqualTo(ClassColours.Of(3)));
    }

    [Test]
    public void No_outline_is_drawn_along_the_edge_of_the_picture()
    {
        var image = Draw(160, 120, [Masked(160, 120, new(0, 0, 160, 60), 7)]);
        Assert.That(At(image, 80, 0), Is.EqualTo(At(image, 80, 30)).And.Not.EqualTo(Grey));
        Assert.That(At(image, 0, 30), Is.EqualTo(At(image, 80, 30)));
        Assert.That(At(image, 80, 59), Is.EqualTo(ClassColours.Of(7)));
    }

    [Test]
    public void Diagonal_outlines_are_as_wide_as_straight_ones()
    {
        const int Side = 1200;
        var pixels = new byte[Side * Side];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)(i % Side > i / Side ? 1 : 0);
        Annotation annotation = new(0, 0, 1, 1, "", 7, ObjectMask.FromPixels(pixels, Side, Side));
        var image = Draw(Side, Side, [annotation]);
        var line = (int)MathF.Round(AnnotationPainter.TextSize(image) * 2);
        var across = Enumerable.Range(0, Side).Count(x => At(image, x, 600) == ClassColours.Of(7));
        Assert.That(across, Is.EqualTo(line * Math.Sqrt(2)).Within(1.5));
    }

    [TestCase(1, 1)]
    [TestCase(1, 300)]
    [TestCase(300, 1)]
    public void Tiny_and_thin_pictures_are_drawn_on(int width, int height)
    {
        var annotation = Masked(width, height, new(0, 0, width, height), 7);
        Assert.That(Draw(width, height, [annotation]).Pixels, Has.Some.Not.EqualTo(128));
        annotation = annotation with { Mask = ObjectMask.FromRuns([width * height], width, height) };
        Assert.That(Draw(width, height, [annotation]).Pixels, Is.EqualTo(Draw(width, height, [annotation with { Mask = null }]).Pixels));
    }

    [Test]
    public void A_mask_for_a_picture_of_another_size_is_refused()
        => Assert.That(
            () => Draw(160, 120, [Masked(120, 160, new(40, 30, 100, 90), 7)]),
            Throws.TypeOf<ArgumentException>().With.Message.Contains("120 x 160 px does not fit a picture of 160 x 120"));

    // A rectangular mask, with a 1 px box in the corner, where its frame is out of the way.
    private static Annotation Masked(int width, int height, PixelRectangle inside, int colour)
    {
        var pixels = new byte[width * height];
        for (var y = inside.Top; y < inside.Bottom; y++)
            pixels.AsSpan((y * width) + inside.Left, inside.Width).Fill(1);
        return new Annotation(width - 1, height - 1, width, height, "", colour, ObjectMask.FromPixels(pixels, width, height));
    }

    private static RgbImage Draw(int width, int height, Annotation[] annotations)
    {
        var image = new RgbImage(width, height);
        Array.Fill(image.Pixels, (byte)128);
        AnnotationPainter.Draw(image, annotations);
        return image;
    }

    private static Rgb At(RgbImage image, int x, int y)
    {
        var i = ((y * image.Width) + x) * 3;
        return new(image.Pixels[i], image.Pixels[i + 1], image.Pixels[i + 2]);
    }
}
