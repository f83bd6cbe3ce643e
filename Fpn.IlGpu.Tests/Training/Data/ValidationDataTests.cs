using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>The pictures to validate on: files of their own, or a share of the training pictures.</summary>
internal sealed class ValidationDataTests : TrainingFolderTests
{
    private const string OwnCoco = """ "coco": { "annotations": "held.json", "pictures": "pictures" }""";
    private const string OwnVoc = """ "voc": { "folder": "voc", "split": "val" }""";
    private const int Held = 4;

    [SetUp]
    public void PutSets()
    {
        using (var shipped = typeof(FasterRcnn).Assembly.GetManifestResourceStream("shapes-fpn.safetensors")!)
        using (var file = File.Create(At("shapes.safetensors")))
            shipped.CopyTo(file);
        Directory.CreateDirectory(At("pictures"));
        PutSet("training.json", first: 0, count: 6);
        PutSet("held.json", first: 6, Held);
        PutVoc();
    }

    [TestCase(OwnCoco)]
    [TestCase(OwnVoc)]
    public void A_set_of_its_own_gives_the_figures_of_an_evaluation(string own)
    {
        using var trainer = Open($"{own}, \"every\": 1");
        var validation = trainer.Run().Single().Validation!;

        var truth = own == OwnCoco ? EvaluationTruth.Read(At("held.json")) : EvaluationTruth.Of(VocFolder.Read(At("voc"), "val"));
        var match = new CategoryMatch(trainer.Detector.Classes, truth.Categories);
        var folder = At(own == OwnCoco ? "pictures" : "voc/JPEGImages");
        var found = truth.Pictures.SelectMany(picture => trainer.Detector.Detect(Path.Combine(folder, picture.FileName))
            .Select(detected => match.ToFound(detected, picture.Id)).OfType<FoundObject>());
        var figures = CocoEvaluation.Of(truth, new EvaluationResults([.. found])).Figures;
        Assert.That(validation.Figures, Is.EqualTo(figures.Take(2)));
        Assert.That(validation.Figures[0].Value, Is.GreaterThan(0.7), "the weights are those of a trained model");
    }

    [Test]
    public void A_share_is_set_aside_by_its_seed_and_not_trained_on()
    {
        var (trained, held) = Split("\"share\": 0.3");
        Assert.That((trained.Length, held.Length), Is.EqualTo((4, 2)));
        Assert.That(trained.Concat(held), Is.Unique.And.Exactly(6).Items);
        Assert.That(Split("\"share\": 0.3").Held, Is.EqualTo(held));
        Assert.That(Enumerable.Range(1, 5).Select(seed => Split($"\"share\": 0.3, \"seed\": {seed}").Held), Has.Some.Not.EqualTo(held));
    }

    [TestCase("\"share\": 0.001", 1)]
    [TestCase("\"share\": 0.999", 5)]
    public void A_share_leaves_at_least_one_picture_on_both_sides(string share, int held)
        => Assert.That(Split(share).Held, Has.Length.EqualTo(held));

    [Test]
    public void Objects_of_classes_that_are_not_trained_are_left_out_and_named()
    {
        var name = SyntheticShapes.Classes[Scene(6).Shapes[0].ClassIndex];
        File.WriteAllText(At("held.json"), File.ReadAllText(At("held.json")).Replace($"\"{name}\"", "\"disc\"", StringComparison.Ordinal));
        Assert.That(
            () => Open(OwnCoco),
            Throws.TypeOf<AnnotationException>().With.Message.Contains("is of 'disc', which the training data lack").And.Message.Contains("per cent"));
    }

    [Test]
    public void A_set_with_nothing_to_find_is_refused()
    {
        var json = JsonNode.Parse(File.ReadAllText(At("held.json")))!;
        json["annotations"] = new JsonArray();
        File.WriteAllText(At("held.json"), json.ToJsonString());
        Assert.That(() => Open(OwnCoco), Throws.TypeOf<AnnotationException>().With.Message.Contains("have no object of the trained classes"));
    }

    [Test]
    public void Pictures_that_cannot_be_used_are_refused_before_the_first_step()
    {
        File.Delete(At("pictures/7.png"));
        Assert.That(() => Open(OwnCoco), Throws.TypeOf<AnnotationException>().With.Message.Contains("1 of 4 pictures is left out (25 %)"));
    }

    [Test]
    public void A_picture_that_cannot_be_decoded_is_left_out_and_named_once()
    {
        // Its structure is sound, but its pixels are not what its header says.
        using var trainer = Open($"{OwnCoco}, \"every\": 1", steps: 2);
        PictureWriter.Write(new RgbImage(32, 32), At("pictures/7.png"));
        File.WriteAllBytes(At("pictures/7.png"), File.ReadAllBytes(At("pictures/7.png"))[..60]);
        Assert.That(() => trainer.Run().ToList(), Throws.TypeOf<AnnotationException>().With.Message.Contains("7.png"));
        Assert.That(trainer.DataProblems.Count(AnnotationProblem.PictureBroken), Is.EqualTo(1));
    }

    [Test]
    public void Checking_pictures_reports_how_many_are_done()
    {
        var reports = new List<TrainerProgress>();
        using (Open(OwnCoco, progress: new Collected(reports)))
        {
            Assert.That(
                reports.Where(report => report.Work == TrainerWork.CheckingPictures).Select(report => (report.Done, report.Total)),
                Is.EquivalentTo(Enumerable.Range(1, 6).Select(i => (i, 6))));
            Assert.That(
                reports.Where(report => report.Work == TrainerWork.CheckingValidationPictures).Select(report => report.Done),
                Is.EquivalentTo(Enumerable.Range(1, Held)));
        }
    }

    [Test]
    public void A_run_does_not_write_over_the_annotations_that_it_is_validated_on()
    {
        Directory.CreateDirectory(At("run"));
        File.Move(At("held.json"), At("run/training.csv"));
        Assert.That(
            () => Open(OwnCoco.Replace("held.json", "run/training.csv", StringComparison.Ordinal)),
            Throws.TypeOf<TrainingException>().With.Message.Contains("The run would write over"));
    }

    private Trainer Open(string validation, int steps = 1, IProgress<TrainerProgress>? progress = null) => Trainer.Open(
        Device, Configuration(validation, steps), Folder, At("run"), resume: false, progress: progress);

    private (string[] Trained, string[] Held) Split(string validation)
    {
        var source = TrainingSource.Open(
            Configuration(validation, steps: 1), Folder, pictures: null, new ProblemLimit(At("problems.txt"), IsLifted: false), progress: null);
        return ([.. ((AnnotatedSetPictures)source.Pictures).Files], [.. source.Validation!.Files]);
    }

    private static TrainingConfiguration Configuration(string validation, int steps) => TrainingConfiguration.Parse($$"""
        {
          "data": { "coco": { "annotations": "training.json", "pictures": "pictures" } },
          "network": {
            "layout": "resnet18", "widths": [32, 64, 128, 256], "pyramid_channels": 96, "head_channels": 256,
            "weights": "shapes.safetensors", "batch_norm": "frozen"
          },
          "schedule": { "steps": {{steps}}, "batch": 1, "learning_rate": 1e-5 },
          "validation": { {{validation}} },
          "model": { "min_size": 96, "max_size": 192, "anchor_sizes": [16, 32, 64, 128, 256] }
        }
        """);

    private string At(string path) => Path.Combine(Folder, path);

    // Scenes of few large shapes, with all classes in the sets.
    private static SyntheticScene Scene(int number)
        => SyntheticShapes.Scene((ulong)(1000 + number), 96, 96, new SyntheticShapesOptions { SmallestPx = 40, LargestPx = 70, MostShapes = 2 });

    private void PutSet(string file, int first, int count)
    {
        var pictures = new List<AnnotatedPicture>();
        for (var i = first; i < first + count; i++)
        {
            var scene = Scene(i);
            var name = string.Create(CultureInfo.InvariantCulture, $"{i}.png");
            PictureWriter.Write(scene.Image, At($"pictures/{name}"));
            pictures.Add(new AnnotatedPicture(
                i + 1, name, 96, 96, [.. scene.Shapes.Select(s => new AnnotatedObject(new(s.X1, s.Y1, s.X2, s.Y2), s.ClassIndex))]));
        }
        CocoWriter.Write(new AnnotatedSet(pictures, SyntheticShapes.Categories), At(file));
    }

    private void PutVoc()
    {
        foreach (var part in (string[])["JPEGImages", "Annotations", "ImageSets/Main"])
            Directory.CreateDirectory(At($"voc/{part}"));
        for (var i = 6; i < 6 + Held; i++)
        {
            File.Copy(At($"pictures/{i}.png"), At($"voc/JPEGImages/{i}.png"));
            var xml = new StringBuilder("<annotation><size><width>96</width><height>96</height></size>");
            foreach (var s in Scene(i).Shapes)
            {
                xml.Append(CultureInfo.InvariantCulture, $"<object><name>{SyntheticShapes.Classes[s.ClassIndex]}</name><bndbox><xmin>{s.X1 + 1}</xmin>")
                    .Append(CultureInfo.InvariantCulture, $"<ymin>{s.Y1 + 1}</ymin><xmax>{s.X2}</xmax><ymax>{s.Y2}</ymax></bndbox></object>");
            }
            File.WriteAllText(At($"voc/Annotations/{i}.xml"), xml.Append("</annotation>").ToString());
        }
        File.WriteAllLines(At("voc/ImageSets/Main/val.txt"), Enumerable.Range(6, Held).Select(i => i.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>Keeps the reports.</summary>
    private sealed class Collected(List<TrainerProgress> reports) : IProgress<TrainerProgress>
    {
        public void Report(TrainerProgress value)
        {
            lock (reports)
                reports.Add(value);
        }
    }
}
