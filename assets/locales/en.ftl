# English. Every key and every placeholder here is also in zh.ftl; a test compares them.

theme = Appearance
theme-system = As the system
theme-light = Light
theme-dark = Dark
close = Close
cancel = Cancel
back = Back
retry = Try again
details = Details
guest = Guest

# Home
home-title = Who would you like to see?
home-subtitle = Video calls on your own server. Nothing to sign up for.
mode-duo = Two-party call
mode-duo-text = You and one other person.
mode-multi = Multi-party call
mode-multi-text = A room for a few people.
mode-live = Standard live
join-title = Join
join-label = Invite link, room code or room name
join-hint = parlor://… or a room's name
join-button = Join
join-empty = Paste an invite, or type a room's name.
join-not-invite = This is not an invite. One looks like parlor://host/ROOM.
join-bad-server = The address in this link is not valid.
join-bad-pin = The pin in this link is damaged. Copy the whole link again.
join-no-room = This link does not name a room.
recent-title = Recent rooms
recent-enter = Enter { $name } again: { $line }
recent-forget = Forget { $name }
recent-open = Open now · { $people }
recent-line = { $ago } · { $server }
ago-now = within the last hour
ago-hours = { $count ->
    [one] 1 hour ago
   *[other] { $count } hours ago
}
ago-days = { $count ->
    [one] yesterday
   *[other] { $count } days ago
}

# New room
create-title = New room
create-mode = Kind of call
create-leaving = When I leave, the room
create-ends = ends for everyone
create-stays = stays open
create-ends-text = Everybody else is told that the room was closed.
create-stays-text = The others go on without you; an empty room closes after a while.
create-there-already = There is a room of this name already.
create-enter-that = Enter that one
create-continue = Continue
create-at-once = Enter at once

# Server
server-title = Server
server-choose = Calls go through
server-here = This computer
server-other = Another server…
server-address = Address of the server
server-address-hint = calls.example.org or 192.168.1.20:1935
server-access-key = Access key
server-access-key-hint = Access key, if the server asks for one
server-use = Use this server
server-works = There is a Parlor server at this address.
server-change = Change address or key
server-forget = Forget { $address }
server-starting = Starting…
server-checking = Connecting…
server-ready-here = Serving at { $address }
server-ready = Connected to { $address }
server-shared = Another Parlor on this computer is serving at { $address }
server-copy = Copy address

# Room list
rooms-title = Rooms
rooms-refresh = Refresh
rooms-loading = Looking for rooms…
rooms-empty = No rooms yet
rooms-empty-text = Create one, and it shows up here for everyone on this server.
rooms-new = New room
rooms-search = Search rooms and people
rooms-not-found = Nothing here matches “{ $search }”.
rooms-show-all = Show all rooms
rooms-failed = The room list cannot be read.
room-free = { $free ->
    [0] full
    [one] 1 free seat
   *[other] { $free } free seats
}
room-people = { $count ->
    [one] 1 person
   *[other] { $count } people
}
room-line = { $mode } · { $people } · { $free }
room-locked = asks for a password
room-enter = Enter { $name }: { $line }
room-here = You are here
sidebar-show = Show rooms
sidebar-hide = Hide rooms
switch-title = Leave this room?
switch-text = You are in “{ $from }”. To enter “{ $to }”, you leave it.
switch-confirm = Leave and enter

# Before joining
prejoin-create = New room: { $room }
prejoin-join = Join { $room }
prejoin-room = Room name
prejoin-room-default = { $name }'s room
prejoin-name = Your name
prejoin-password = Password
prejoin-password-hint = leave empty for an open room
prejoin-password-asked = This room asks for a password.
prejoin-camera = Camera
prejoin-pause-image = Picture while the camera is off
prejoin-pause-image-hint = path of an image; empty: your initials
prejoin-pause-image-missing = There is no such file.
prejoin-mic = Microphone
prejoin-speaker = Speaker
prejoin-live = Live streams
prejoin-live-automatic = Automatic: 1 to 5 s behind, by the network
prejoin-live-fast = Fast: 1 s behind
prejoin-live-smooth = Smooth: 5 s behind, nothing is skipped
prejoin-level = Microphone level
prejoin-create-button = Create and enter
prejoin-join-button = Join now
prejoin-no-picture = No picture
prejoin-opening = Opening the camera…
prejoin-mirror = You see yourself as in a mirror; others see you the right way round.
prejoin-file = Path of the file
prejoin-file-hint = /home/ada/film.mp4
source-default = System default
source-default-named = System default ({ $name })
source-missing = { $name } (not connected)
source-pattern = Test pattern
source-none = None
source-file = Video file…
source-tone = Test tone
source-audio-file = Sound of a file…
source-silent = None (silent)
name-empty = A name is needed.
name-too-long = That is too long: 64 characters at most.
name-forbidden = Please leave out { $char }.

# Settings
settings-open = Settings
settings-title = Settings
settings-section = Section
settings-general = General
settings-video = Video
settings-sound = Sound
settings-keys = Keyboard
settings-recording = Recording
settings-about = About Parlor
settings-lang = Language
settings-lang-system = As the system
settings-zoom = Size of everything
settings-chimes = Sounds when people come, go or write
settings-notifications = Notifications while you look at another window
settings-preset = Your picture
preset-automatic = Automatic: by the kind of call and the people in it
preset-size = { $width }×{ $height }, up to { $kbps } kbit/s
settings-rate = Pictures a second
rate-automatic = Automatic
rate-each = { $count } a second
settings-video-hint = On a slow network or computer less is sent, whatever is chosen here.
settings-next-call = You are in a call: this changes with the next one.
settings-choose-file = Choose a file…
settings-choose-folder = Choose a folder…
settings-sound-hint = Echo is always taken out, and loud and quiet voices come at one loudness.
settings-volumes = { $count ->
    [one] The volume of 1 person is remembered.
   *[other] The volumes of { $count } people are remembered.
}
settings-volumes-forget = Forget volumes
settings-keys-hint = In a call, and never while you are typing:
keys-mute = Mute or unmute
keys-video = Start or stop your video
keys-chat = Open or close the chat
keys-devices = Choose and test devices
keys-stats = Show or hide statistics
keys-zoom = Make everything larger or smaller
keys-escape = Close what is open
settings-recordings = Folder for recordings
settings-recordings-hint = Recordings are saved in { $folder }
about-version = Version { $version }
about-text = Video calls on your own server. Free software: MIT or Apache 2.0, as you like.

# Devices
devices-title = Devices
devices-open = Devices
devices-open-hint = Devices (D)
devices-open-test = Test speaker and microphone
devices-test-speaker = Play a test sound
devices-test-mic = Record 3 seconds and play them
devices-mic-hint = Speak, and watch the meter move.
devices-mic-heard = The others hear you while you test. Mute yourself first if they should not.
devices-recording = Recording: say something…
devices-playing = Playing what was recorded…
devices-done = Did you hear yourself? If not, try another speaker.
devices-quiet = That was very quiet. Raise the microphone's level in the system settings, or move closer.
devices-nothing = Nothing was heard. Check the switch on the headset, or choose another microphone.
devices-in-use = In use: { $name }
devices-choose-another = Choose another
devices-without = Continue without
undo = Undo

# In the call
call-entering = Entering { $room }…
call-creating = Creating { $room }…
call-alone = You are alone here.
call-alone-text = Send the invite to someone, or try it out with a test partner.
call-copy-invite = Copy invite
call-test-partner = Call a test partner
call-partner-name = Test partner
call-you = You
call-you-name = { $name } (you)
call-reconnecting = The connection is lost. Next try in { $seconds } s.
call-reconnecting-now = Reconnecting…
call-retry-now = Retry now
call-reconnecting-for = The connection is lost. Reconnecting… { $seconds } s
call-no-stream = Waiting for { $name }…
call-peer-reconnecting = Reconnecting…
call-invite = Invite
call-encrypted = Encrypted (TLS 1.3), and the server is the one you meant
call-local = Not encrypted: the server is this computer
call-plain = Not encrypted: others on the way can listen
call-room-line = { $mode } · { $count } of { $cap }
tile-name = { $name }
tile-muted = { $name }, muted
tile-reconnecting = { $name }, reconnecting
tile-camera-off = { $name }, camera off
tile-sharing = { $name }, shares the screen
tile-muted-camera-off = { $name }, muted, camera off
tile-menu = Options for { $name }
tile-menu-own = Options for your sound
tile-volume = Volume here: { $percent } %
tile-mute-for-me = Mute for me
noise = Noise suppression
noise-off = Off: sound as it is
noise-on = On: takes out steady noise
noise-strong = Strong: leaves only voices
trouble-my-network = Your network is slow. The picture is reduced so that the sound keeps up.
trouble-my-computer = Your computer is busy. The picture is reduced so that the call keeps up.
trouble-theirs = { $name }'s connection is poor.
mic-mute = Mute
mic-mute-hint = Mute (M)
mic-unmute = Unmute
mic-unmute-hint = Unmute (M)
camera-off = Stop video
camera-off-hint = Stop video (V)
camera-on = Start video
camera-on-hint = Start video (V)
share-open = Share the screen
share-open-hint = Share the screen (S)
share-stop = Stop sharing
share-stop-hint = Stop sharing (S)
share-title = Share your screen
share-screen = Screen
share-window = Window
share-area = Area
share-area-text = This window gets out of the way. Then drag a rectangle over what you want to show. Esc cancels.
share-system = Your system asks what you want to share.
share-none = This system gives no program a picture of the screen.
share-loading = Looking…
share-no-windows = No other window is open.
share-mode = What matters most
share-detail = Sharp text and pictures
share-motion = Smooth movement, as in a film
share-start = Share
share-drag = Drag an area
share-whole-screen = Whole screen
share-screen-named = Screen { $name }
share-name-area = Part of the screen
share-name-window = Window
share-name-portal = Screen
share-opening = Sharing begins: { $name }
share-bar = You are sharing: { $name }
chat-open = Chat
chat-open-hint = Chat (C)
chat-open-unread = Chat, { $count } unread
stats-open = Statistics
stats-open-hint = Statistics (Ctrl+Shift+S)
leave = Leave
leave-hint = Leave the call

# Chat
chat-title = Chat
chat-empty = No messages yet
chat-empty-text = What you write here is seen by everyone in the room.
chat-input = Message
chat-hint = Write a message
chat-send = Send
chat-you = You

# Recordings and snapshots
snapshot-take = Take a snapshot
snapshot-no-picture = No picture came.
record-person = Record this person
record-me = Record myself
record-stop = Stop recording
record-bar = Recording { $name } · { $length } · { $size } MB. Everyone is told.
record-bar-me = Recording yourself · { $length } · { $size } MB. Everyone is told.
record-bar-slow = Recording { $name } · { $length } · { $size } MB. The disk is too slow: parts are missing.
record-by = Being recorded by { $names }
tile-records = { $name } is recording
tile-records-me = You are recording
list-and = , { "" }
show-in-folder = Show in folder
record-no-folder = No folder for recordings is known. Choose one in the settings.
record-disk-full = The disk is full. What was recorded until then is kept. Make room and start again.
record-bad-folder = { $path } cannot be written to. Choose another folder in the settings.
record-cannot-write = { $path } cannot be written: { $reason }
toast-recording-on = { $name } has started recording
toast-recording-off = { $name } has stopped recording
toast-recorded = { $count ->
    [one] Recording of { $name } saved: { $file }
   *[other] Recording of { $name } saved in { $count } files, the last one { $file }
}
toast-record-nothing = Nothing of { $name } was recorded: neither picture nor sound came.
toast-record-failed = The recording of { $name } ended. { $reason }
toast-snapshot = Snapshot of { $name } saved: { $file }
toast-snapshot-failed = No snapshot of { $name }. { $reason }

# Statistics
stat-group-delay = Delay from camera to screen
stat-group-network = Network
stat-group-picture = Picture
stat-group-sound = Sound
stat-group-sending = Sending
stat-group-computer = This computer
stat-size = Picture
stat-rate = kbit/s, picture / sound
stat-delay = Delay, half / 95 % within
stat-delay-max = 99 % / all within
stat-sync = Sound before picture
stat-buffer = Buffer / aim
stat-jitter = Jitter
stat-freezes = Freezes
stat-skipped = Skipped / to be decoded
stat-gop = Key frame every
stat-gap = Sound mended
stat-codec = Codec
stat-decode = Decode
stat-encoder = Encoder
stat-encode = Encode
stat-queue = Waiting, encoder / network
stat-left-out = Left out, encoder / network
stat-cpu = CPU, Parlor / computer
stat-server = Server
stat-carrier = Connection
stat-carrier-tls = TLS 1.3
stat-carrier-tcp = TCP, not encrypted
stat-unknown = –
stat-size-value = { $width }×{ $height }, { $fps } a second
stat-ms = { $value } ms
stat-ms-pair = { $first } / { $second } ms
stat-seconds = { $value } s
stat-pair = { $first } / { $second }
stat-queue-value = { $encoder } / { $ms } ms
stat-left-out-value = { $busy } / { $network }
stat-skipped-value = { $count } / { $waiting }
stat-freeze-value = { $count }, { $ms } ms
stat-cpu-value = { $app } / { $device } %
stat-graph-delay = Delay in the last minute: { $least } to { $most } ms
stat-graph-rate = Bit rate in the last minute: { $least } to { $most } kbit/s

# What happened
toast-joined = { $name } joined
toast-left = { $name } left
toast-shares = { $name } shares the screen
toast-message = { $name }: { $text }
toast-reconnected = Connected again
toast-invite-copied = Invite copied
toast-address-copied = Address copied
toast-device-gone = { $kind }: { $lost } is gone. { $name } is used instead.
toast-device-busy = { $kind }: { $lost } is used by another program. { $name } is used instead.
toast-device-broken = { $kind }: { $lost } does not work. { $name } is used instead.
toast-device-back = { $kind }: { $name } is back and is used again.
toast-device-followed = { $kind }: { $name } is the system's default now and is used.
toast-partner-failed = The test partner cannot come: { $reason }
toast-talking-muted = You are talking while muted
toast-muted-by-host = The host has muted your microphone. Switch it on again when you want to speak.
toast-refused = That did not work. { $reason }
toast-text-failed = Your message was not delivered: { $reason }
toast-settings-damaged = Your settings could not be read and were set aside as { $file }.
toast-settings-unsaved = Your settings could not be saved: { $reason }
toast-screenshot-failed = The screenshot could not be saved: { $reason }

# Ends
ended-title = The call is over
ended-failed = The call did not start
ended-host-left = The room was closed because the person who opened it left.
ended-by-host = The person who opened the room has ended it for everyone.
ended-empty = The room was closed because nobody was in it.
ended-by-operator = An operator of the server has ended the room.
ended-removed = The host has removed you from the room.
ended-replaced = You joined from somewhere else, so this call ended here.
ended-home = Back to the start
ended-come-back = Join here again
ended-open-again = Open a room of this name
ended-choose-server = Choose another server

# What can go wrong
error-bad-address = “{ $address }” is not the address of a server. Check it and try again.
error-bad-pin = The pin in “{ $address }” is damaged. Copy the whole link again.
error-wrong-pin = { $server } is not the server of your invite, or it has a new key. Nothing was sent to it. Ask for a new invite.
error-untrusted = Nobody vouches for the server { $server }, so nothing was sent to it. Ask for an invite link and use that.
error-encryption-required = This server only takes encrypted connections. Use an invite link, or its address without http://.
error-unreachable = The server { $server } cannot be reached. Check the address and your network.
error-timeout = The server { $server } does not answer. Try again in a moment.
error-not-parlor = Something answers at { $server }, but it is not a Parlor server. Check the address and the port.
error-bad-request = The server does not understand this program. One of the two is too old.
error-bad-name = The server does not accept this name. Choose another one.
error-unauthorized = Your session has expired. Try again.
error-access-key-required = This server asks for an access key. Ask whoever runs it, and type it beside the server.
error-wrong-access-key = This is not the access key of this server. Type it again.
error-forbidden = You are not allowed to do this.
error-wrong-password = The password is wrong. Type it again.
error-room-not-found = There is no such room. It may have been closed.
error-not-a-member = You are no longer in this room.
error-removed = The host has removed you from this room.
error-bad-receipt = The room could not be brought back. Enter it again.
error-room-full = The room is full. Try again when someone has left.
error-audience-full = As many people watch as may. Try again when someone has left.
error-wrong-mode = This does not exist in rooms of this kind.
error-conflict = This name is taken. Choose another one.
error-too-large = This is too long to send.
error-rate-limited = Too many attempts. Wait a moment and try again.
error-server-full = The server has no room for more rooms. Try again later.
error-store-unavailable = The server cannot look up its rooms just now. Calls that are running go on. Try again in a moment.
error-stopping = The server is being stopped or started anew. Try again in a moment.
error-signed-in-elsewhere = You signed in elsewhere, so this place was signed out.
error-too-slow = The connection is too slow. Try again in a moment.
error-internal = The server failed. Try again in a moment.
error-host = Parlor cannot serve calls from this computer. Choose another server.
error-camera-missing = No camera was found. Connect one, or choose another source.
error-camera-busy = The camera is used by another program. Close that program or choose another camera.
error-camera-denied = Parlor may not use the camera. Allow it in the system settings.
error-camera-format = The camera delivers no picture that can be used. Choose another one.
error-camera-stalled = The camera stopped delivering pictures. Unplug it and plug it in again, or choose another one.
error-camera-other = The camera does not work. Choose another one.
error-mic-missing = No microphone was found. Connect one, or choose another source.
error-mic-busy = The microphone is used by another program. Close that program or choose another microphone.
error-mic-denied = Parlor may not use the microphone. Allow it in the system settings.
error-mic-format = The microphone delivers no sound that can be used. Choose another one.
error-mic-stalled = The microphone stopped delivering sound. Choose another one.
error-mic-silent = We cannot hear you: the microphone delivers complete silence. Check the switch on the headset and the microphone in the system settings, or choose another one.
error-mic-other = The microphone does not work. Choose another one.
error-speaker-missing = No speaker was found. You will not hear the others.
error-speaker-busy = The speaker is used by another program. Close that program or choose another speaker.
error-speaker-denied = Parlor may not use the speaker. Allow it in the system settings.
error-speaker-format = The speaker takes no sound that can be made here. Choose another one.
error-speaker-stalled = The speaker stopped taking sound. Unplug it and plug it in again, or choose another one.
error-speaker-other = The speaker does not work. Choose another one.
error-screen-gone = What you shared is not there any more, so sharing has ended.
error-screen-denied = The system does not let this program see the screen.
error-screen-minimised = The window is minimised. Open it, then share it.
error-screen-other = This cannot be shared. Choose something else.
error-file-broken = This file cannot be played. Choose another one.
toast-pause-image = The picture for when your camera is off cannot be used. Your initials are shown instead.
