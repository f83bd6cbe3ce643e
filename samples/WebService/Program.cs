// Detection over HTTP, with one detector for all requests:
//
//   dotnet run -c Release --project samples/WebService -- --urls http://localhost:5080
//   curl --data-binary @samples/shapes-640x480.png http://localhost:5080/detect
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;

var builder = WebApplication.CreateBuilder(args);
// Any thread may call the detector. Requests that come together wait for one another, without a thread: the device is one.
builder.Services.AddSingleton(_ => Device.Open());
builder.Services.AddSingleton(services => Detector.Load(services.GetRequiredService<Device>()));
var app = builder.Build();
// Loads the model now, not when the first request is waiting.
app.Services.GetRequiredService<Detector>();

app.MapPost("/detect", async (HttpRequest request, Detector detector, CancellationToken cancellation) =>
{
    try
    {
        var found = await detector.DetectAsync(request.Body, cancellation);
        return Results.Ok(found.Select(o => new
        {
            o.Label,
            o.Score,
            Box = new[] { o.BoxImagePx.X1, o.BoxImagePx.Y1, o.BoxImagePx.X2, o.BoxImagePx.Y2 },
        }));
    }
    catch (PictureException e)
    {
        return Results.BadRequest(new { e.Message });
    }
});
app.Run();
