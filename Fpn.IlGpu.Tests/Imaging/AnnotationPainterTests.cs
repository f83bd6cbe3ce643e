using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Imaging;

[TestFixture]
public sealed class AnnotationPainterTests
{
    [Test]
    public void The_frame_has_the_colour_of_its_class_and_its_inside_is_untouched()
    {
        var image = Filled(200, 150, 128);
        AnnotationPainter.Draw(image, [new(40, 50, 160, 130, "", 7)]);
        var colour = ClassColours.Of(7);
        Assert.That(At(image, 40, 90), Is.EqualTo(colour), "left");
        Assert.That(At(image, 159, 90), Is.EqualTo(colour), "right");
        Assert.That(At(image, 100, 50), Is.EqualTo(colour), "top");
        Assert.That(At(image, 100, 129), Is.EqualTo(colour), "bottom");
        Assert.That(At(image, 100, 90), Is.EqualTo(new Rgb(128, 128, 128)), "inside");
        Assert.That(At(image, 10, 10), Is.EqualTo(new Rgb(128, 128, 128)), "outside");
    }

    [Test]
    public void The_frame_stands_out_from_a_background_of_its_own_colour()
    {
        var colour = ClassColours.Of(3);
        var image = new RgbImage(100, 100);
        for (var i = 0; i < image.Pixels.Length; i += 3)
            (image.Pixels[i], image.Pixels[i + 1], image.Pixels[i + 2]) = (colour.R, colour.G, colour.B);
        AnnotationPainter.Draw(image, [new(20, 20, 80, 80, "", 3)]);
        Assert.That(At(image, 19, 50).G, Is.LessThan(colour.G / 2 + 10), "the outer edge");
    }

    [TestCase(30f, 60f)]
    [TestCase(-50f, -50f)]
    [TestCase(280f, 210f)]
    [TestCase(150f, -20f)]
    public void The_plate_stays_inside_the_picture_with_its_whole_text(float x, float y)
    {
        // The text's pixels are counted: a plate that is cut off would show fewer.
        var free = TextPixels(Filled(320, 240, 128), 100, 100);
        Assert.That(free, Is.GreaterThan(100));
        Assert.That(TextPixels(Filled(320, 240, 128), x, y), Is.EqualTo(free));
    }

    [Test]
    public void Plates_do_not_cover_one_another_where_there_is_room()
    {
        var placement = new LabelPlacement(400, 300, []);
        var box = new PixelRectangle(100, 100, 220, 200);
        var plates = new List<PixelRectangle>();
        for (var i = 0; i < 8; i++)
        {
            var plate = placement.Place(box, 80, 16);
            foreach (var other in plates)
                Assert.That(plate.Overlap(other), Is.Zero, $"plate {i}");
            var picture = new PixelRectangle(0, 0, 400, 300);
            Assert.That(plate.Overlap(picture), Is.EqualTo(80 * 16), $"plate {i} lies inside");
            plates.Add(plate);
        }
    }

    [Test]
    public void Small_objects_side_by_side_are_not_covered_by_labels()
    {
        PixelRectangle[] boxes = [new(100, 100, 112, 112), new(100, 101, 113, 112), new(90, 116, 104, 130), new(120, 90, 133, 101)];
        var placement = new LabelPlacement(400, 300, boxes);
        foreach (var box in boxes)
        {
            var plate = placement.Place(box, 80, 16);
            Assert.That(boxes.Sum(plate.Overlap), Is.Zero);
        }
    }

    [TestCase(1, 1)]
    [TestCase(1, 5000)]
    [TestCase(5000, 1)]
    [TestCase(2, 3)]
    [TestCase(17, 17)]
    public void Tiny_and_thin_pictures_are_drawn_on(int width, int height)
    {
        var image = Filled(width, height, 128);
        AnnotationPainter.Draw(image, [new(0, 0, width, height, "person 0.99", 0), new(-3, -3, 1, 1, "dog", 1)]);
        Assert.That(image.Pixels, Has.Some.Not.EqualTo(128));
    }

    [TestCase(float.NaN, 1, 2, 3)]
    [TestCase(0, 0, float.NaN, 50)]
    [TestCase(float.NegativeInfinity, 0, float.PositiveInfinity, float.NaN)]
    [TestCase(-100, -100, -50, -50)]
    [TestCase(400, 10, 500, 50)]
    public void Boxes_with_NaN_or_off_the_picture_are_not_drawn(float x1, float y1, float x2, float y2)
    {
        var image = Filled(100, 80, 128);
        AnnotationPainter.Draw(image, [new(x1, y1, x2, y2, "person", 0)]);
        Assert.That(image.Pixels, Is.All.EqualTo(128));
    }

    [Test]
    public void Infinite_huge_and_inverted_boxes_are_clipped_to_the_picture()
    {
        var colour = ClassColours.Of(0);
        var image = Filled(100, 80, 128);
        AnnotationPainter.Draw(image, [new(float.NegativeInfinity, 40, float.MaxValue, 60, "", 0)]);
        Assert.That(At(image, 0, 40), Is.EqualTo(colour));
        Assert.That(At(image, 99, 59), Is.EqualTo(colour));
        Assert.That(At(image, 0, 50), Is.EqualTo(new Rgb(128, 128, 128)), "its left edge is off the picture");

        image = Filled(100, 80, 128);
        AnnotationPainter.Draw(image, [new(60, 50, 20, 10, "", 0)]);
        Assert.That(At(image, 20, 30), Is.EqualTo(colour));
    }

    [Test]
    public void Every_ASCII_character_has_a_distinct_shape_and_others_are_a_box()
    {
        var shapes = new Dictionary<string, char>();
        for (var c = '!'; c <= '~'; c++)
        {
            var shape = Shape(c);
            Assert.That(shape, Does.Contain("#"), $"'{c}' is blank");
            Assert.That(shapes.TryAdd(shape, c), Is.True, $"'{c}' looks like another");
        }
        Assert.That(Shape(' '), Does.Not.Contain("#"));
        Assert.That(Shape('é'), Is.EqualTo(Shape('漢')));
        Assert.That(shapes.ContainsKey(Shape('é')), Is.False);
    }

    [Test]
    public void Every_class_has_a_colour_and_colours_are_far_apart()
    {
        Assert.That(() => ClassColours.Of(-1), Throws.Nothing);
        Assert.That(() => ClassColours.Of(int.MaxValue), Throws.Nothing);
        Rgb[] colours = [.. Enumerable.Range(0, 91).Select(ClassColours.Of)];
        for (var i = 0; i < colours.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var distance = Math.Abs(colours[i].R - colours[j].R) + Math.Abs(colours[i].G - colours[j].G)
                    + Math.Abs(colours[i].B - colours[j].B);
                Assert.That(distance, Is.GreaterThan(i < 20 ? 60 : 0), $"classes {i} and {j}");
            }
        }
    }

    [Test]
    public void Text_contrasts_with_its_plate()
    {
        Assert.That(ClassColours.TextOn(Rgb.White), Is.EqualTo(Rgb.Black));
        Assert.That(ClassColours.TextOn(new Rgb(255, 255, 0)), Is.EqualTo(Rgb.Black));
        Assert.That(ClassColours.TextOn(new Rgb(0, 0, 160)), Is.EqualTo(Rgb.White));
    }

    [Test]
    public void Text_grows_with_the_picture()
    {
        Assert.That(AnnotationPainter.TextSize(new RgbImage(320, 320)), Is.EqualTo(1));
        Assert.That(AnnotationPainter.TextSize(new RgbImage(1333, 800)), Is.EqualTo(1.5));
        Assert.That(AnnotationPainter.TextSize(new RgbImage(4000, 3000)), Is.GreaterThan(4));
    }

    private static RgbImage Filled(int width, int height, byte value)
    {
        var image = new RgbImage(width, height);
        Array.Fill(image.Pixels, value);
        return image;
    }

    private static Rgb At(RgbImage image, int x, int y)
    {
        var i = ((y * image.Width) + x) * 3;
        return new(image.Pixels[i], image.Pixels[i + 1], image.Pixels[i + 2]);
    }

    private static int TextPixels(RgbImage image, float x, float y)
    {
        AnnotationPainter.Draw(image, [new(x, y, x + 110, y + 60, "person 0.98", 0)]);
        var text = ClassColours.TextOn(ClassColours.Of(0));
        var count = 0;
        for (var i = 0; i < image.Width * image.Height; i++)
            count += At(image, i % image.Width, i / image.Width) == text ? 1 : 0;
        return count;
    }

    private static string Shape(char c)
    {
        var image = Filled(14, 16, 255);
        StrokeFont.Draw(new Canvas(image), [c], 2, 2, 1, Rgb.Black);
        return string.Concat(Enumerable.Range(0, 14 * 16).Select(i => image.Pixels[i * 3] < 100 ? '#' : '.'));
    }
}
