using System.Text.Json;
using Fpn.IlGpu.Experiments;
using Fpn.IlGpu.Tests.Training;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Experiments;

/// <summary>The paper's ablations, with networks too small to learn anything.</summary>
internal sealed class AblationTests : TrainingFolderTests
{
    [Test]
    public void Every_row_of_all_tables_trains_and_has_figures()
    {
        AblationResult[] results = [.. Run(new AblationOptions { Seeds = 1, HeldScenes = 6 })];
        Assert.That(
            results.Select(r => $"{r.Table.Number}{r.Row.Letter}"),
            Is.EqualTo("1a 1b 1c 1d 1e 1f 2a 2b 2c 2d 2e 2f 3a 3b 3c 5a 5b 5c 6a 6b 6c 6d 6e".Split(' ')));
        foreach (var result in results)
        {
            Assert.That(result.Figures, Has.Count.EqualTo(result.Table.Columns.Count).And.All.InRange(-1, 100));
            Assert.That(result.Row.Paper, Has.Count.EqualTo(result.Figures.Count));
        }
        Assert.That(results.Where(r => r.Table.Number == 1).Max(r => r.Figures[2]), Is.GreaterThan(0), "some proposals hit");
    }

    [Test]
    public void Finished_runs_are_not_repeated_and_further_seeds_are_added()
    {
        var options = new AblationOptions { Tables = [PaperTables.Proposals], Rows = "c", Seeds = 1, HeldScenes = 4 };
        var first = Run(options).Single();
        var model = new FileInfo(Path.Combine(Folder, "out", "table1-c", "seed0", "model.safetensors"));
        var written = model.LastWriteTimeUtc;
        AblationResult[] again = [.. Run(options with { Seeds = 2 })];
        Assert.That(again[0].Figures, Is.EqualTo(first.Figures));
        model.Refresh();
        Assert.That(model.LastWriteTimeUtc, Is.EqualTo(written));
        Assert.That(
            File.ReadAllBytes(Path.Combine(Folder, "out", "table1-c", "seed1", "model.safetensors")),
            Is.Not.EqualTo(File.ReadAllBytes(model.FullName)));
        // More scenes give other figures for the same weights.
        Assert.That(Run(options with { HeldScenes = 5 }).Single().Figures, Is.Not.EqualTo(first.Figures));
    }

    [Test]
    public void Alternating_training_shares_the_features_of_its_second_step()
    {
        Assert.That(Run(new AblationOptions { Tables = [PaperTables.Sharing], Rows = "b", Seeds = 1, HeldScenes = 2 }).Count(), Is.EqualTo(1));
        var out5 = Path.Combine(Folder, "out");
        using var second = Safetensors.Open(Path.Combine(out5, "table5-a", "seed0", "model.safetensors"));
        using var third = Safetensors.Open(Path.Combine(out5, "table5-b", "seed0", "step3", "model.safetensors"));
        using var fourth = Safetensors.Open(Path.Combine(out5, "table5-b", "seed0", "step4", "model.safetensors"));
        var shared = second.Tensors.Keys.Where(name => name.StartsWith("backbone.", StringComparison.Ordinal)).ToList();
        Assert.That(shared, Has.Some.StartsWith("backbone.fpn.").And.Some.StartsWith("backbone.body.layer4."));
        foreach (var name in shared)
        {
            var values = second[name].ToArray();
            Assert.That(third[name].ToArray(), Is.EqualTo(values), name);
            Assert.That(fourth[name].ToArray(), Is.EqualTo(values), name);
        }
        Assert.That(third.Tensors.Keys, Has.Some.StartsWith("rpn."));
        const string trained = "roi_heads.box_predictor.cls_score.weight";
        Assert.That(fourth[trained].ToArray(), Is.Not.EqualTo(second[trained].ToArray()), "its head is trained");
    }

    [Test]
    public void Rows_differ_only_in_what_they_compare()
    {
        var common = Tiny();
        var fpn = PaperTables.Proposals.Rows[2].Change.Apply(common, "rpn", null, seed: 3);
        var c4 = PaperTables.Objects.Rows[0].Change.Apply(common, "fast-rcnn", "proposals.json", seed: 3);
        Assert.Multiple(() =>
        {
            Assert.That(fpn.Schedule, Is.EqualTo(common.Schedule));
            Assert.That(c4.Schedule, Is.EqualTo(common.Schedule));
            Assert.That((fpn.Seed, c4.Seed), Is.EqualTo((3, 3)));
            Assert.That(fpn.ModelConfiguration(["x"]).AnchorSizes, Has.Length.EqualTo(5));
            Assert.That(c4.ModelConfiguration(["x"]).AnchorSizes, Is.EqualTo(new float[][] { [8, 16, 32, 64, 128] }));
            Assert.That(fpn.ModelConfiguration(["x"]).RpnPreNmsTopN, Is.EqualTo(1000));
            Assert.That(c4.ModelConfiguration(["x"]).RpnPreNmsTopN, Is.EqualTo(5000), "as many as in five levels");
            Assert.That((fpn.Rpn.PreNmsTopN, c4.Rpn.PreNmsTopN), Is.EqualTo((100, 500)));
            Assert.That((c4.Network.TopMap, c4.Network.BoxHead), Is.EqualTo((4, BoxHeadKind.Stage)));
            Assert.That(c4.ModelConfiguration(["x"]).MinSize, Is.EqualTo(64), "the file's own setting is kept");
        });
    }

    [Test]
    public void Rows_of_table_6_differ_in_windows_masks_and_steps()
    {
        TrainingConfiguration[] rows = [.. PaperTables.Masks.Rows.Select(row => row.Change.Apply(Tiny(), "mask-proposals", null, seed: 0))];
        Assert.That(rows.Select(row => row.Network.Windows), Is.EqualTo(new int[][] { [5], [7], [5, 7], [5, 7], [5, 7] }));
        Assert.That(rows.Select(row => row.Network.MaskSide), Is.EqualTo(new[] { 14, 14, 14, 28, 28 }));
        Assert.That(rows.Select(row => row.Schedule.Steps), Is.EqualTo(new[] { 2, 2, 2, 2, 4 }));
    }

    [Test]
    public void The_numbers_of_the_paper_equal_those_of_its_tables()
    {
        Assert.That(PaperTables.Proposals.Rows[2].Paper, Is.EqualTo(new double?[] { null, 44.0, 56.3, 44.9, 63.4, 66.2 }));
        Assert.That(PaperTables.Objects.Rows[2].Paper, Is.EqualTo(new double?[] { 56.9, 33.9, 17.8, 37.7, 45.8 }));
        Assert.That(PaperTables.Objects.Rows[0].Paper[1], Is.EqualTo(31.9));
    }

    [Test]
    public void Data_other_than_synthetic_shapes_is_refused()
    {
        var coco = Tiny() with { Data = new TrainingData { Coco = new CocoData("a.json", "b") } };
        Assert.That(
            () => new Ablation(Device, coco, new AblationOptions(), Folder, Folder),
            Throws.TypeOf<TrainingException>().With.Message.Contains("data.shapes"));
    }

    private IEnumerable<AblationResult> Run(AblationOptions options)
        => new Ablation(Device, Tiny(), options, Folder, Path.Combine(Folder, "out")).Run();

    private static TrainingConfiguration Tiny() => new()
    {
        Data = new TrainingData { Shapes = new ShapesData { Width = 64, Height = 64, Count = 4, Smallest = 8, Largest = 50 } },
        Network = new NetworkLayout { Layout = "resnet18", Widths = [8, 8, 8, 8], PyramidChannels = 8, HeadChannels = 16, WindowChannels = 8 },
        Schedule = new TrainingSchedule { Steps = 2, Batch = 2, CheckpointEvery = 1 },
        Rpn = new ProposalTraining { PreNmsTopN = 100, PostNmsTopN = 50, Samples = 32 },
        BoxHead = new BoxTraining { Samples = 16 },
        Model = JsonElement.Parse("""{ "min_size": 64, "max_size": 64, "anchor_sizes": [8, 16, 32, 64, 128], "rpn_post_nms_top_n": 50 }"""),
    };
}
