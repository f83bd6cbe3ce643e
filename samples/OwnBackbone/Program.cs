// A pyramid on a network of your own (PlainNet.cs), trained from random weights in three minutes, then run on one of the pictures:
//   fpn shapes scenes --count 400 --size 128x128 --smallest 16 --largest 100 --most 4
//   dotnet run -c Release --project samples/OwnBackbone -- scenes/instances.json scenes/pictures run
using System.Text.Json;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Training;
using OwnBackbone;

if (args.Length != 3)
{
    Console.Error.WriteLine("Usage: OwnBackbone ANNOTATIONS.json PICTURES OUT");
    return 2;
}
var backbone = new PlainNetLayout(16, 32, 64, 128);
var configuration = new TrainingConfiguration
{
    Data = new TrainingData { Coco = new CocoData(Path.GetFullPath(args[0]), Path.GetFullPath(args[1])) },
    Network = new NetworkLayout { PyramidChannels = 48, HeadChannels = 128 },
    Schedule = new TrainingSchedule { Steps = 3000, Batch = 4 },
    Rpn = new ProposalTraining { PreNmsTopN = 500, PostNmsTopN = 200 },
    BoxHead = new BoxTraining { Samples = 64 },
    Model = JsonElement.Parse(
        """{ "min_size": 128, "max_size": 256, "anchor_sizes": [8, 16, 32, 64, 128], "roi_canonical_side": 28 }"""),
};
using var device = Device.Open();
using (var trainer = Trainer.Open(device, configuration, dataFolder: ".", folder: args[2], resume: false, backbone: backbone))
{
    Console.WriteLine(trainer.Description);
    foreach (var step in trainer.Run())
    {
        if (step.Step % 100 == 0)
            Console.WriteLine($"step {step.Step}: loss {step.Loss:0.000}");
    }
}
using var detector = Detector.Load(device, Path.Combine(args[2], "model.safetensors"), backbone: backbone);
detector.ScoreThreshold = 0.5f;
foreach (var found in detector.Detect(Directory.EnumerateFiles(args[1]).Order().First()))
    Console.WriteLine($"{found.Label} {found.Score:0.00} {found.BoxImagePx}");
return 0;
