using System.Text.Json;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Imaging;

/// <summary>Run lengths and their compressed form, against the results of COCO's own code (fixtures/coco-masks.json).</summary>
public sealed class ObjectMaskTests
{
    private const int Cases = 19;

    public sealed record CocoMask(string Name, int Width, int Height, int Area, string[]? Rows, int[] Runs, string Counts)
    {
        public byte[]? Pixels => Rows is null ? null : [.. string.Concat(Rows).Select(c => (byte)(c - '0'))];

        public override string ToString() => Name;
    }

    private sealed record Fixture(string About, CocoMask[] Cases);

    private static readonly Fixture Coco = JsonSerializer.Deserialize<Fixture>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Imaging", "fixtures", "coco-masks.json")), JsonSerializerOptions.Web)!;

    private static CocoMask[] All => Coco.Cases;

    private static IEnumerable<CocoMask> WithPixels => All.Where(c => c.Rows is not null);

    [Test]
    public void No_case_is_missing() => Assert.That(All, Has.Length.EqualTo(Cases));

    [TestCaseSource(nameof(WithPixels))]
    public void Pixels_become_the_same_runs_as_in_COCO(CocoMask coco)
    {
        var mask = ObjectMask.FromPixels(coco.Pixels, coco.Width, coco.Height);
        Assert.That(mask.Runs, Is.EqualTo(coco.Runs));
        Assert.That((mask.Width, mask.Height, mask.Area), Is.EqualTo((coco.Width, coco.Height, coco.Area)));
        Assert.That(mask.ToPixels(), Is.EqualTo(coco.Pixels));
    }

    [TestCaseSource(nameof(All))]
    public void Runs_become_the_same_string_as_in_COCO_and_back(CocoMask coco)
    {
        var mask = ObjectMask.FromRuns(coco.Runs, coco.Width, coco.Height);
        Assert.That(mask.ToCocoString(), Is.EqualTo(coco.Counts));
        Assert.That(mask.Area, Is.EqualTo(coco.Area));
        var back = ObjectMask.FromCocoString(coco.Counts, coco.Width, coco.Height);
        Assert.That(back.Runs, Is.EqualTo(coco.Runs));
        Assert.That(back, Is.EqualTo(mask));
        Assert.That(ObjectMask.FromPixels(mask.ToPixels(), coco.Width, coco.Height), Is.EqualTo(mask));
    }

    [TestCaseSource(nameof(WithPixels))]
    public void A_mirrored_mask_has_its_columns_in_reverse(CocoMask coco)
    {
        var mask = ObjectMask.FromRuns(coco.Runs, coco.Width, coco.Height);
        var mirrored = coco.Pixels!.Chunk(coco.Width).SelectMany(row => row.Reverse()).ToArray();
        Assert.That(mask.Mirrored(), Is.EqualTo(ObjectMask.FromPixels(mirrored, coco.Width, coco.Height)));
        Assert.That(mask.Mirrored().Mirrored(), Is.EqualTo(mask));
    }

    [Test]
    public void Every_nonzero_pixel_belongs_to_the_mask()
        => Assert.That(ObjectMask.FromPixels([0, 255, 1, 2], 2, 2).ToPixels(), Is.EqualTo(new byte[] { 0, 1, 1, 1 }));

    [Test]
    public void Empty_runs_make_no_difference()
    {
        var mask = ObjectMask.FromRuns([2, 3, 0, 1, 4, 0, 2], 4, 3);
        Assert.That(mask.Runs, Is.EqualTo(new[] { 2, 4, 6 }));
        Assert.That(mask, Is.EqualTo(ObjectMask.FromRuns([2, 4, 6, 0], 4, 3)));
        Assert.That(ObjectMask.FromRuns([0, 0, 12], 4, 3).Runs, Is.EqualTo(new[] { 12 }));
    }

    [Test]
    public void Masks_with_the_same_size_and_pixels_are_equal()
    {
        var mask = ObjectMask.FromRuns([2, 4, 6], 4, 3);
        var same = ObjectMask.FromPixels(mask.ToPixels(), 4, 3);
        Assert.That(same, Is.EqualTo(mask));
        Assert.That(same.GetHashCode(), Is.EqualTo(mask.GetHashCode()));
        Assert.That(mask, Is.Not.EqualTo(ObjectMask.FromRuns([2, 4, 6], 3, 4)), "another size");
        Assert.That(mask, Is.Not.EqualTo(ObjectMask.FromRuns([3, 4, 5], 4, 3)), "other pixels");
        Assert.That(mask.Equals(null), Is.False);
        Assert.That(mask.ToString(), Is.EqualTo("4 of 4 x 3 px"));
    }

    [Test]
    public void The_longest_runs_survive_the_round_trip()
    {
        const int Width = 46_000;
        int[] runs = [0, 1, (Width * Width) - 2, 1];
        var mask = ObjectMask.FromRuns(runs, Width, Width);
        Assert.That(ObjectMask.FromCocoString(mask.ToCocoString(), Width, Width).Runs, Is.EqualTo(runs));
    }

    [TestCase("", 3, 4, "add up to 0 px")]
    [TestCase(";", 3, 4, "add up to 11 px, but the picture of 3 x 4 px has 12")]
    [TestCase("S1S1", 7, 5, "add up to 70 px")]
    [TestCase("S", 7, 5, "break off within the number at character 0")]
    [TestCase("5PPP", 7, 5, "break off within the number at character 1")]
    [TestCase("5S1 ", 7, 5, "U+0020 at character 3")]
    [TestCase("5p", 7, 5, "U+0070 at character 1")]
    [TestCase("5é", 7, 5, "U+00E9 at character 1")]
    [TestCase("PPPPPPP0", 7, 5, "The number at character 0 of the mask's counts is too long")]
    [TestCase("O", 7, 5, "Run 0 of the mask's counts has -1 px")]
    [TestCase("111L", 7, 5, "Run 3 of the mask's counts has -3 px")]
    [TestCase("oooooo?", 7, 5, "Run 0 of the mask's counts has 17179869183 px")]
    public void Malformed_strings_are_refused_and_the_fault_is_named(string counts, int width, int height, string message)
        => Assert.That(
            () => ObjectMask.FromCocoString(counts, width, height), Throws.TypeOf<FormatException>().With.Message.Contains(message));

    [TestCase(new[] { 5, -1, 8 }, "Run 1 of the mask has -1 px")]
    [TestCase(new[] { 5, 8 }, "add up to 13 px, but the picture of 3 x 4 px has 12")]
    [TestCase(new[] { int.MaxValue, int.MaxValue, int.MaxValue }, "add up to 6442450941 px")]
    [TestCase(new int[0], "add up to 0 px")]
    public void Runs_that_do_not_fit_the_picture_are_refused(int[] runs, string message)
        => Assert.That(() => ObjectMask.FromRuns(runs, 3, 4), Throws.TypeOf<ArgumentException>().With.Message.Contains(message));

    [TestCase(0, 4)]
    [TestCase(4, -1)]
    [TestCase(50_000, 50_000)]
    public void Impossible_sizes_are_refused(int width, int height)
    {
        Assert.That(() => ObjectMask.FromRuns([12], width, height), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => ObjectMask.FromCocoString("<", width, height), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => ObjectMask.FromPixels(new byte[12], width, height), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    [MaxTime(5_000)]
    public void Polygons_that_would_take_long_to_trace_are_refused()
    {
        // 2 KB of text: corners far to the left and far to the right in turn.
        double[] far = [.. Enumerable.Range(0, 200).SelectMany(i => new[] { i % 2 == 0 ? -1e6 : 1e6, i })];
        Assert.That(
            () => ObjectMask.FromPolygons([far], 640, 480),
            Throws.TypeOf<ArgumentException>().With.Message.Contains("400000000 px long, but in a picture of 640 x 480 px"));
        // Each is short enough, but there are many.
        double[] once = [0, 0, 639, 479, 0, 479];
        Assert.That(
            () => ObjectMask.FromPolygons([.. Enumerable.Repeat(once, 10_000)], 640, 480),
            Throws.TypeOf<ArgumentException>().With.Message.Contains("outline is"));
    }

    [Test]
    public void An_outline_around_every_second_column_is_filled()
    {
        // A comb with a tooth of one px in every second column: the longest outline that pixels can have.
        const int size = 100;
        var corners = new List<double>();
        for (var x = 0; x < size; x += 2)
            corners.AddRange([x, size - 1, x, 0, x + 1, 0, x + 1, size - 1]);
        Assert.That(ObjectMask.FromPolygons([[.. corners]], size, size).Area, Is.InRange(size * size * 4 / 10, size * size * 6 / 10));
    }

    [Test]
    public void A_wrong_number_of_pixels_is_refused()
        => Assert.That(
            () => ObjectMask.FromPixels(new byte[11], 3, 4),
            Throws.TypeOf<ArgumentException>().With.Message.Contains("3 x 4 px has 12 pixels, not 11"));
}
