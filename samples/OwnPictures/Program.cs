// Trains a detector on pictures that a program makes, in two minutes, and finds objects with it:
//   dotnet run -c Release --project samples/OwnPictures -- run
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

if (args.Length != 1)
{
    Console.Error.WriteLine("Usage: OwnPictures OUT");
    return 2;
}
var configuration = new TrainingConfiguration
{
    Network = new NetworkLayout { Layout = "resnet18", Widths = [16, 32, 64, 128], PyramidChannels = 48, HeadChannels = 64 },
    Schedule = new TrainingSchedule { Steps = 600, Batch = 4 },
    Rpn = new ProposalTraining { PreNmsTopN = 500, PostNmsTopN = 200 },
    BoxHead = new BoxTraining { Samples = 64 },
}.WithModel(new ModelConfiguration
{
    MinSize = 128,
    MaxSize = 128,
    AnchorSizes = [[8], [16], [32], [64], [128]],
    RoiCanonicalSide = 28,
});
using var device = Device.Open();
var pictures = new Boxes();
using var trainer = Trainer.Open(device, configuration, new TrainingPictures(pictures, Boxes.Classes), args[0]);
foreach (var step in trainer.Run())
{
    if (step.Step % 100 == 0)
        Console.WriteLine($"step {step.Step} of {trainer.Steps}: loss {step.Loss:0.000}");
}
// The trained network detects in place; Detector.Load(device, trainer.ModelPath) loads it later.
var unseen = pictures.Read(index: 1_000_000, epoch: 0).Image;
var found = trainer.Detector.Detect(unseen);
foreach (var o in found.Where(o => o.Score > 0.5f))
    Console.WriteLine($"{o.Label} {o.Score:0.00} {o.BoxImagePx}");
unseen.Draw([.. found.Where(o => o.Score > 0.5f)]);
PictureWriter.Write(unseen, Path.Combine(args[0], "found.png"));
return 0;

/// <summary>Red and blue boxes on noise: every index is another picture.</summary>
internal sealed class Boxes : IPictureSource
{
    public static readonly string[] Classes = ["red", "blue"];

    public int Count => 400;

    public SourcePicture Read(int index, long epoch)
    {
        var random = new Random(index);
        var image = new RgbImage(128, 128);
        random.NextBytes(image.Pixels);
        for (var i = 0; i < image.Pixels.Length; i++)
            image.Pixels[i] /= 2;
        var objects = new List<AnnotatedObject>();
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            var (side, kind) = (random.Next(16, 60), random.Next(2));
            var (left, top) = (random.Next(128 - side), random.Next(128 - side));
            var box = new Box(left, top, left + side, top + side);
            // Boxes that lie over others would hide them.
            if (objects.Exists(o => o.BoxImagePx.X1 < box.X2 && box.X1 < o.BoxImagePx.X2 && o.BoxImagePx.Y1 < box.Y2 && box.Y1 < o.BoxImagePx.Y2))
                continue;
            for (var y = top; y < top + side; y++)
            {
                for (var x = left; x < left + side; x++)
                    image.Pixels[(y * 128 + x) * 3 + 2 * kind] = 255;
            }
            objects.Add(new AnnotatedObject(box, kind));
        }
        return new SourcePicture(image, objects);
    }
}
