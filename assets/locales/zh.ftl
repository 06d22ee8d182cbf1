# 简体中文。键和占位符与 en.ftl 相同，由测试核对。

theme = 外观
theme-light = 浅色
theme-dark = 深色
close = 关闭
cancel = 取消
back = 返回
retry = 重试
details = 详细信息
guest = 访客

# 首页
home-title = 想和谁见面？
home-subtitle = 在自己的服务器上视频通话，无需注册。
mode-duo = 双人视频
mode-duo-text = 你和另一个人。
mode-multi = 多人视频
mode-multi-text = 几个人的房间。
join-title = 加入
join-label = 邀请链接、房间号或房间名
join-hint = parlor://… 或房间名
join-button = 加入
join-empty = 请粘贴邀请，或输入房间名。
join-not-invite = 这不是邀请。邀请的样子是 parlor://主机/房间。
join-bad-server = 链接里的服务器地址无效。
join-bad-pin = 这个链接里的指纹已损坏。请重新复制完整的链接。
join-no-room = 链接里没有房间。

# 服务器
server-title = 服务器
server-here = 这台电脑
server-here-text = 由 Parlor 自己提供通话服务。其他人通过这个地址访问：
server-other = 其他服务器
server-address = 服务器地址
server-address-hint = calls.example.org 或 192.168.1.20:1935
server-access-key = 访问密钥
server-access-key-hint = 访问密钥（仅在服务器要求时填写）
server-use = 使用此服务器
server-starting = 正在启动…
server-checking = 正在连接…
server-ready-here = 正在 { $address } 提供服务
server-ready = 已连接到 { $address }
server-shared = 这台电脑上的另一个 Parlor 正在 { $address } 提供服务
server-copy = 复制地址

# 房间列表
rooms-title = 房间
rooms-refresh = 刷新
rooms-loading = 正在查找房间…
rooms-empty = 还没有房间
rooms-empty-text = 新建一个房间，这台服务器上的人都能在这里看到它。
rooms-new = 新建房间
rooms-failed = 无法读取房间列表。
room-free = { $free ->
    [0] 已满
   *[other] 空 { $free } 位
}
room-people = { $count } 人
room-line = { $mode } · { $people } · { $free }
room-locked = 需要密码
room-enter = 进入 { $name }：{ $line }
room-here = 你在这里
sidebar-show = 显示房间
sidebar-hide = 隐藏房间
switch-title = 离开这个房间？
switch-text = 你正在“{ $from }”。进入“{ $to }”前会先离开这里。
switch-confirm = 离开并进入

# 加入之前
prejoin-create = 新建房间
prejoin-join = 加入 { $room }
prejoin-room = 房间名
prejoin-room-default = { $name } 的房间
prejoin-name = 你的名字
prejoin-password = 密码
prejoin-password-hint = 留空则任何人可进入
prejoin-password-asked = 这个房间需要密码。
prejoin-dissolve = 我离开时关闭房间
prejoin-camera = 摄像头
prejoin-mic = 麦克风
prejoin-speaker = 扬声器
prejoin-chimes = 有人进入、离开或发消息时播放提示音
prejoin-level = 麦克风音量
prejoin-create-button = 创建并进入
prejoin-join-button = 立即加入
prejoin-no-picture = 没有画面
prejoin-opening = 正在打开摄像头…
prejoin-mirror = 你看到的是镜像，别人看到的是正常画面。
prejoin-file = 文件路径
prejoin-file-hint = /home/ada/film.mp4
source-default = 系统默认
source-default-named = 系统默认（{ $name }）
source-missing = { $name }（未连接）
source-pattern = 测试图案
source-none = 无
source-file = 视频文件…
source-tone = 测试音
source-audio-file = 文件的声音…
source-silent = 无（静音）
name-empty = 请输入名字。
name-too-long = 太长了：最多 64 个字符。
name-forbidden = 请去掉 { $char }。

# 通话中
call-entering = 正在进入 { $room }…
call-creating = 正在创建 { $room }…
call-alone = 这里只有你一个人。
call-alone-text = 把邀请发给别人，或者用测试伙伴试一试。
call-copy-invite = 复制邀请
call-test-partner = 呼叫测试伙伴
call-partner-name = 测试伙伴
call-you = 你
call-you-name = { $name }（你）
call-reconnecting = 连接已断开。{ $seconds } 秒后重试。
call-reconnecting-now = 正在重新连接…
call-retry-now = 立即重试
call-no-stream = 正在等待 { $name }…
call-invite = 邀请
call-encrypted = 已加密（TLS 1.3），服务器身份已确认
call-local = 未加密：服务器就是这台电脑
call-plain = 未加密：途中的其他人可以监听
call-room-line = { $mode } · { $count } / { $cap } 人
tile-name = { $name }
tile-muted = { $name }，已静音
tile-camera-off = { $name }，摄像头已关
tile-muted-camera-off = { $name }，已静音，摄像头已关
mic-mute = 静音
mic-mute-hint = 静音 (M)
mic-unmute = 取消静音
mic-unmute-hint = 取消静音 (M)
camera-off = 关闭视频
camera-off-hint = 关闭视频 (V)
camera-on = 打开视频
camera-on-hint = 打开视频 (V)
chat-open = 聊天
chat-open-hint = 聊天 (C)
chat-open-unread = 聊天，{ $count } 条未读
stats-open = 统计
stats-open-hint = 统计 (Ctrl+Shift+S)
leave = 离开
leave-hint = 离开通话

# 聊天
chat-title = 聊天
chat-empty = 还没有消息
chat-empty-text = 房间里的所有人都能看到你写的内容。
chat-input = 消息
chat-hint = 写一条消息
chat-send = 发送
chat-you = 你

# 统计
stat-size = 画面
stat-rate = kbit/s
stat-delay = 延迟 p50 / p95
stat-delay-max = 延迟 p99 / 最大
stat-buffer = 缓冲 / 目标
stat-jitter = 抖动
stat-dropped = 丢弃
stat-freezes = 卡顿
stat-codec = 编码格式
stat-decode = 解码
stat-encoder = 编码器
stat-encode = 编码
stat-queue = 发送队列
stat-server = 服务器
stat-carrier = 连接
stat-carrier-tls = TLS 1.3
stat-carrier-tcp = TCP，未加密
stat-unknown = –
stat-size-value = { $width }×{ $height } @ { $fps }
stat-ms = { $value } ms
stat-ms-pair = { $first } / { $second } ms
stat-pair = { $first } / { $second }
stat-queue-value = { $ms } ms，{ $kb } kB
stat-freeze-value = { $count } 次，{ $ms } ms

# 发生的事
toast-joined = { $name } 加入了
toast-left = { $name } 离开了
toast-message = { $name }：{ $text }
toast-reconnected = 已重新连接
toast-invite-copied = 邀请已复制
toast-address-copied = 地址已复制
toast-partner-failed = 测试伙伴来不了：{ $reason }
toast-muted-by-host = 主持人已将你静音。想发言时请重新打开麦克风。
toast-refused = 操作失败。{ $reason }
toast-text-failed = 你的消息没有送达：{ $reason }
toast-settings-damaged = 设置无法读取，已另存为 { $file }。
toast-settings-unsaved = 设置无法保存：{ $reason }
toast-screenshot-failed = 截图无法保存：{ $reason }

# 结束
ended-title = 通话已结束
ended-failed = 通话没有开始
ended-host-left = 创建房间的人离开了，房间已关闭。
ended-by-host = 创建房间的人结束了通话。
ended-empty = 房间里没有人，已经关闭。
ended-by-operator = 服务器管理员已解散这个房间。
ended-removed = 主持人已将你移出房间。
ended-replaced = 你在别处加入了，所以这里的通话结束了。
ended-home = 回到首页

# 可能出错的地方
error-bad-address = “{ $address }”不是服务器地址。请检查后重试。
error-bad-pin = “{ $address }”里的指纹已损坏。请重新复制完整的链接。
error-wrong-pin = { $server } 不是邀请中的那台服务器，或者它换了密钥。没有向它发送任何内容。请索取新的邀请。
error-untrusted = 没有人为服务器 { $server } 作担保，因此没有向它发送任何内容。请索取邀请链接并使用它。
error-encryption-required = 这台服务器只接受加密连接。请使用邀请链接，或去掉地址前的 http://。
error-unreachable = 无法连接服务器 { $server }。请检查地址和网络。
error-timeout = 服务器 { $server } 没有回应。请稍后重试。
error-not-parlor = { $server } 有回应，但不是 Parlor 服务器。请检查地址和端口。
error-bad-request = 服务器不理解这个程序。其中一个版本太旧了。
error-bad-name = 服务器不接受这个名字。请换一个。
error-unauthorized = 登录已过期。请重试。
error-access-key-required = 这个服务器需要访问密钥。请向管理员索取，并填在服务器旁边。
error-wrong-access-key = 访问密钥不对。请重新输入。
error-forbidden = 你没有权限这样做。
error-wrong-password = 密码不对。请重新输入。
error-room-not-found = 没有这个房间，它可能已经关闭。
error-not-a-member = 你已经不在这个房间里。
error-removed = 主持人已将你移出这个房间。
error-bad-receipt = 无法恢复这个房间。请重新进入。
error-room-full = 房间已满。等有人离开后再试。
error-audience-full = 观看人数已满。等有人离开后再试。
error-wrong-mode = 这类房间没有这个功能。
error-conflict = 这个名字已被占用。请换一个。
error-too-large = 内容太长，无法发送。
error-rate-limited = 尝试次数太多。请稍等再试。
error-server-full = 服务器上的房间已满。请稍后再试。
error-store-unavailable = 服务器暂时无法读取房间信息，正在进行的通话不受影响。请稍后再试。
error-stopping = 服务器正在停止或重启。请稍后再试。
error-signed-in-elsewhere = 您已在别处登录，此处已退出。
error-too-slow = 连接太慢。请稍后重试。
error-internal = 服务器出错了。请稍后重试。
error-host = 无法在这台电脑上提供通话服务。请选择其他服务器。
error-camera-missing = 没有找到摄像头。请连接一个，或选择其他来源。
error-camera-busy = 摄像头正被其他程序使用。请关闭那个程序，或选择其他摄像头。
error-camera-denied = Parlor 不能使用摄像头。请在系统设置中允许。
error-camera-format = 摄像头没有可用的画面。请选择其他摄像头。
error-camera-stalled = 摄像头不再传送画面。请重新插拔，或选择其他摄像头。
error-camera-other = 摄像头无法工作。请选择其他摄像头。
error-mic-missing = 没有找到麦克风。请连接一个，或选择其他来源。
error-mic-busy = 麦克风正被其他程序使用。请关闭那个程序，或选择其他麦克风。
error-mic-denied = Parlor 不能使用麦克风。请在系统设置中允许。
error-mic-format = 麦克风没有可用的声音。请选择其他麦克风。
error-mic-stalled = 麦克风不再传送声音。请选择其他麦克风。
error-mic-silent = 我们听不到您：麦克风只传来完全的静音。请检查耳机上的开关和系统设置中的麦克风，或选择其他麦克风。
error-mic-other = 麦克风无法工作。请选择其他麦克风。
error-speaker-missing = 没有找到扬声器。你将听不到别人。
error-speaker-busy = 扬声器正被其他程序使用。请关闭该程序或选择其他扬声器。
error-speaker-denied = Parlor 无权使用扬声器。请在系统设置中允许。
error-speaker-format = 扬声器不接受可用的声音格式。请选择其他扬声器。
error-speaker-stalled = 扬声器停止播放声音。请重新插拔，或选择其他扬声器。
error-speaker-other = 扬声器无法工作。请选择其他扬声器。
error-file-broken = 无法播放这个文件。请选择其他文件。
toast-device-failed = { $problem }通话将在没有它的情况下继续。
